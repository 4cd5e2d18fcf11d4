/**
 * What the compiler says of definitions: accepts what `validate` accepts, and names the word that does not exist.
 */
import { adPipeline, definePipeline, type PipelineDefinition } from 'tidemark'

const byCountry: PipelineDefinition = definePipeline({
  extends: 'ads',
  parameters: { attributionWindow: '1h', idleTimeout: null },
  dimensions: { country: { label: 'Country' }, browser: null },
  measures: { cpc: { ratio: ['spend', 'clicks'] }, ecpm: { ratio: ['spend', 'impressions'], scale: 1000 } },
  tables: {
    performance: { dimensions: ['campaign_id', 'country'] },
    ctr_by_campaign: null,
    by_country: { dimensions: ['country'], measures: ['impressions', 'clicks', 'ctr', 'cpc'] },
    total: { dimensions: [], measures: ['clicks'], minuteOf: 'click' },
  },
})

const renamed: PipelineDefinition = definePipeline({ extends: 'ads', measures: { ctr: { label: 'Click rate' } } })

const whole: PipelineDefinition = definePipeline({
  ...adPipeline,
  dimensions: { ...adPipeline.dimensions, country: {} },
  tables: { by_country: { dimensions: ['country', 'browser'], measures: ['clicks', 'ctr'] } },
})

const wrongBase: PipelineDefinition = definePipeline({
  // @ts-expect-error there is no such pipeline to extend
  extends: 'adz',
})

const unknownDimension: PipelineDefinition = definePipeline({
  extends: 'ads',
  dimensions: { country: {} },
  tables: {
    by_country: {
      // @ts-expect-error "contry" is not a dimension
      dimensions: ['contry'],
      measures: ['clicks'],
    },
  },
})

const unknownMeasure: PipelineDefinition = definePipeline({
  extends: 'ads',
  tables: {
    by_device: {
      dimensions: ['device_type'],
      // @ts-expect-error "spnd" is not a measure
      measures: ['spnd'],
    },
  },
})

const unknownPart: PipelineDefinition = definePipeline({
  extends: 'ads',
  // @ts-expect-error "spnd" is not a measure
  measures: { cpc: { ratio: ['spnd', 'clicks'] } },
})

const unknownParameter: PipelineDefinition = definePipeline({
  extends: 'ads',
  // @ts-expect-error there is no parameter of this name
  parameters: { attributionWindw: '1h' },
})

const unknownInWhole: PipelineDefinition = definePipeline({
  ...adPipeline,
  // @ts-expect-error "country" is not a dimension of this definition
  tables: { by_country: { dimensions: ['country'], measures: ['clicks'] } },
})

// @ts-expect-error clicks must name their impression
const missingImpressionId: PipelineDefinition = definePipeline({
  ...adPipeline,
  streams: {
    impressions: adPipeline.streams.impressions,
    clicks: { topic: 'clicks', idField: 'id', eventTimeField: 'at', fields: { id: 'id', at: 'time' } },
  },
})

export const definitions: readonly unknown[] = [
  byCountry,
  renamed,
  whole,
  wrongBase,
  unknownDimension,
  unknownMeasure,
  unknownPart,
  unknownParameter,
  unknownInWhole,
  missingImpressionId,
]
