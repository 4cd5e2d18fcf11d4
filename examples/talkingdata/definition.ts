import { definePipeline, type PipelineDefinition } from 'tidemark'

/**
 * The ad pipeline for the TalkingData log: hours instead of minutes, and no costs.
 *
 * `outOfOrderness` is 96 hours because the log is shuffled: its first line may be from the last of its three days. The
 * watermark trails the highest event time by more than the whole log is long, so no event is late, whatever the order.
 * The price is that every impression is remembered to the end of the log, and that windows become final only there.
 */
const talkingData: PipelineDefinition = definePipeline({
  extends: 'ads',
  name: 'talkingdata',

  parameters: {
    windowSize: '1h',
    attributionWindow: '30m',
    outOfOrderness: '96h',
  },

  dimensions: {
    campaign_id: { label: 'Channel' },
    browser: { label: 'OS' },
  },

  measures: {
    spend: null,
  },

  tables: {
    ctr_by_campaign: { measures: ['impressions', 'clicks', 'ctr'] },
    engagement_by_device: { measures: ['impressions', 'clicks', 'ctr'] },
    performance: { measures: ['impressions', 'clicks'] },
  },
})

export default talkingData
