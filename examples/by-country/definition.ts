import { definePipeline, type PipelineDefinition } from 'tidemark'

/** The ad pipeline by country as well: impressions carry a field `country`, and nothing else changes. */
const byCountry: PipelineDefinition = definePipeline({
  extends: 'ads',

  dimensions: {
    country: { label: 'Country' },
  },

  tables: {
    ctr_by_country: { dimensions: ['country'], measures: ['impressions', 'clicks', 'ctr', 'spend'] },
  },
})

export default byCountry
