/**
 * The default definition: the ad pipeline of SEMANTICS, whose table and field names are those of the original system.
 */
import { DEFAULT_PARAMETERS, type Definition } from './definition.ts'

export type AdDimension = 'campaign_id' | 'device_type' | 'browser'
export type AdMeasure = 'impressions' | 'clicks' | 'ctr' | 'spend'

/** Impressions and clicks in; click-through rate by campaign and engagement by device per minute out. */
export const adPipeline: Definition<AdDimension, AdMeasure> = {
  name: 'ads',

  streams: {
    impressions: {
      topic: 'ad-impressions',
      idField: 'impression_id',
      eventTimeField: 'event_timestamp',
      fields: {
        impression_id: 'id',
        user_id: 'text',
        campaign_id: 'text',
        ad_id: 'text',
        device_type: 'text',
        browser: 'text',
        event_timestamp: 'time',
        cost: 'money',
      },
    },
    clicks: {
      topic: 'ad-clicks',
      idField: 'click_id',
      eventTimeField: 'event_timestamp',
      impressionIdField: 'impression_id',
      fields: {
        click_id: 'id',
        impression_id: 'id',
        user_id: 'text',
        event_timestamp: 'time',
      },
    },
  },

  parameters: DEFAULT_PARAMETERS,

  dimensions: {
    campaign_id: { label: 'Campaign' },
    device_type: { label: 'Device' },
    browser: { label: 'Browser' },
  },

  measures: {
    impressions: { count: 'impressions', label: 'Impressions' },
    clicks: { count: 'clicks', label: 'Clicks' },
    ctr: { ratio: ['clicks', 'impressions'], label: 'CTR' },
    spend: { sum: 'cost', label: 'Spend' },
  },

  tables: {
    ctr_by_campaign: { dimensions: ['campaign_id'], measures: ['impressions', 'clicks', 'ctr', 'spend'] },
    engagement_by_device: { dimensions: ['device_type'], measures: ['impressions', 'clicks', 'ctr', 'spend'] },
    performance: {
      dimensions: ['campaign_id', 'device_type', 'browser'],
      measures: ['impressions', 'clicks', 'spend'],
    },
    clicks_by_minute: { dimensions: ['campaign_id', 'device_type'], measures: ['clicks'], minuteOf: 'click' },
  },

  sources: {
    http: { kind: 'http' },
  },

  ledger: 'ledger',
}
