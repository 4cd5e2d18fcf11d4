/**
 * What is wrong with a checkpoint, as an error a user can act on.
 */
import { TidemarkError } from '../../errors.ts'
import { CHECKPOINT_VERSION } from '../format/checkpoint-file.ts'
import type { CheckpointProblem } from './checkpoint-reading.ts'

const REBUILD = 'restore the file from a copy, or recount the tables from the journal: tidemark rebuild'

/** The error that a problem is: CHECKPOINT_MISSING, CHECKPOINT_CORRUPT or FORMAT_NEWER. */
export function checkpointError(problem: CheckpointProblem): TidemarkError {
  const { epoch, path } = problem
  switch (problem.kind) {
    case 'missing':
      return new TidemarkError('CHECKPOINT_MISSING', `The checkpoint of epoch ${epoch} is missing: ${path}.`, {
        where: path,
        fix: REBUILD,
      })
    case 'damaged':
      return new TidemarkError(
        'CHECKPOINT_CORRUPT',
        `The checkpoint of epoch ${epoch} is damaged: ${path}: ${problem.reason}.`,
        {
          where: path,
          fix: REBUILD,
        },
      )
    case 'newer':
      return new TidemarkError(
        'FORMAT_NEWER',
        `${path} has format version ${problem.version}; this program reads up to ${CHECKPOINT_VERSION}.`,
        {
          where: path,
          fix: 'run the version of tidemark that wrote it, or a later one',
        },
      )
  }
}
