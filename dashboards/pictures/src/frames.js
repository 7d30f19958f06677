// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Converts Prometheus' responses to data frames as Grafana does, with
// the panel's transformations, options and overrides applied.

import {
  FieldType,
  getDisplayProcessor,
  getFieldDisplayName,
  rangeUtil,
  standardTransformers,
  standardTransformersRegistry,
  toDataFrame,
  transformDataFrame,
} from '@grafana/data';
import { firstValueFrom } from 'rxjs';

standardTransformersRegistry.setInit(() =>
  [...new Map(Object.values(standardTransformers).map((t) => [t.id, t])).values()].map((transformation) => ({
    id: transformation.id,
    name: transformation.name,
    transformation: () => Promise.resolve(transformation),
  }))
);

const legend = (target, metric) => {
  if (!target.legendFormat) {
    const { __name__: name = '', ...labels } = metric;
    const text = Object.entries(labels).map(([k, v]) => `${k}="${v}"`).join(', ');
    return text ? `${name}{${text}}` : name || 'Value';
  }
  return target.legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => metric[label] ?? '');
};

// table is one frame of an instant's vector: a column for each label.
function table(target, reply, several) {
  const labels = [...new Set(reply.result.flatMap((s) => Object.keys(s.metric)))].sort();
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: reply.result.map((s) => s.value[0] * 1000) },
      ...labels.map((l) => ({ name: l, type: FieldType.string, values: reply.result.map((s) => s.metric[l] ?? '') })),
      {
        name: several ? `Value #${target.refId}` : 'Value',
        type: FieldType.number,
        values: reply.result.map((s) => Number(s.value[1])),
      },
    ],
  });
}

// lines are a frame for each series, with the same times in all of them: where
// there was nothing, there is null. A panel may have a longer step than others.
function lines(target, reply, span, shortest) {
  const step = Math.max(span.step, shortest);
  const from = Math.ceil(span.from / step) * step;
  return reply.result.map((s) => {
    const points = s.values ?? [s.value];
    const at = new Map(points.map(([t, v]) => [Math.round(t * 1000), Number(v)]));
    const times = [];
    if (s.values) {
      for (let t = from; t <= span.to; t += step) {
        times.push(t);
      }
    } else {
      times.push(...at.keys());
    }
    return toDataFrame({
      refId: target.refId,
      fields: [
        { name: 'Time', type: FieldType.time, values: times },
        {
          name: 'Value',
          type: FieldType.number,
          values: times.map((t) => at.get(t) ?? null),
          labels: s.metric,
          config: { displayNameFromDS: legend(target, s.metric) },
        },
      ],
    });
  });
}

function configure(frames, panel, theme) {
  const { defaults, overrides } = panel.fieldConfig;
  let index = 0;
  for (const frame of frames) {
    for (const field of frame.fields) {
      const config = { ...defaults, custom: { ...defaults.custom }, ...field.config };
      for (const o of overrides) {
        if (o.matcher.id === 'byName' && o.matcher.options === getFieldDisplayName(field, frame, frames)) {
          for (const { id, value } of o.properties) {
            if (id.startsWith('custom.')) {
              config.custom[id.slice(7)] = value;
            } else {
              config[id] = value;
            }
          }
        }
      }
      if (field.type === FieldType.time) {
        delete config.unit;
      }
      field.config = config;
      const displayName = getFieldDisplayName(field, frame, frames);
      field.state = { ...field.state, displayName, seriesIndex: field.type === FieldType.number ? index++ : 0 };
      field.display = getDisplayProcessor({ field, theme });
      field.getLinks = () => (config.links ?? []).map((l) => ({ href: '#', title: l.title, target: '_self', origin: field }));
    }
  }
  return frames;
}

export async function framesOf(panel, replies, span, theme) {
  const targets = panel.targets ?? [];
  const shortest = panel.interval ? rangeUtil.intervalToMs(panel.interval) : 0;
  let frames = targets.flatMap((target, i) =>
    target.format === 'table' ? [table(target, replies[i], targets.length > 1)] : lines(target, replies[i], span, shortest)
  );
  if (panel.transformations?.length) {
    frames = await firstValueFrom(transformDataFrame(panel.transformations, frames));
  }
  return configure(frames, panel, theme);
}
