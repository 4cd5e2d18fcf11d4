/**
 * The public entry: what a definition, or a program around Tidemark, may import from `tidemark`. The only barrel.
 */
export { adPipeline, type AdDimension, type AdMeasure } from './pipeline/ad-pipeline.ts'
export { DefinitionError, type Problem, type ProblemCode } from './pipeline/check/problem.ts'
export { definePipeline, type ExtendedDefinition, type PipelineDefinition } from './pipeline/define-pipeline.ts'
export type {
  ClicksDefinition,
  Definition,
  DimensionDefinition,
  DurationText,
  MeasureDefinition,
  ParametersDefinition,
  StreamDefinition,
  TableDefinition,
} from './pipeline/definition.ts'
export { explainPlan } from './pipeline/explain.ts'
export { planHash } from './pipeline/plan-hash.ts'
export type { Plan } from './pipeline/plan.ts'
export { checkDefinition, planOf, type Checked } from './pipeline/validate.ts'
export { TidemarkError, type ErrorCode } from './errors.ts'
