/**
 * Which Flink and which Kafka a command is about: those it was told, else those of the stack in its data folder.
 */
import type { FlinkCluster } from '../flink/job/jobs.ts'
import { DEFAULT_PORTS, portsFrom, stackHome, stackUrls } from '../stack/settings.ts'
import { runningState } from '../stack/stack.ts'
import type { CommonOptions } from './common-options.ts'
import { dataDirArgument } from './data-dir-argument.ts'
import { planArguments, type PlanOptions } from './plan-options.ts'

/** What names a cluster on the command line. */
export interface ClusterOptions extends PlanOptions, CommonOptions {
  readonly dataDir: string
  readonly brokers?: string
  readonly gatewayUrl?: string
  readonly jobManagerUrl?: string
}

/** The addresses of a cluster. */
export function clusterOf(options: ClusterOptions): FlinkCluster & { readonly brokers: string } {
  const ports = runningState(stackHome(options.dataDir))?.settings.ports
  const urls = stackUrls(ports ?? portsFrom(DEFAULT_PORTS.kafka, DEFAULT_PORTS.flink))
  return {
    brokers: options.brokers ?? urls.brokers,
    gatewayUrl: options.gatewayUrl ?? urls.gatewayUrl,
    jobManagerUrl: options.jobManagerUrl ?? urls.jobManagerUrl,
  }
}

/** Another command about the same job, to paste. */
export function jobLine(verb: 'submit' | 'status' | 'stop' | 'resume', options: ClusterOptions): string {
  return ['./tidemark flink', verb, ...planArguments(options)].join(' ') + dataDirArgument(options.dataDir)
}
