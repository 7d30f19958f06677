// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

import { FieldType, getFieldDisplayValues, dateTime } from '@grafana/data';
import { BarGauge, BigValue, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';

const same = (x) => x;

// reduced returns one value of each series, as stat and bar gauge show them.
const reduced = ({ panel, frames, theme }) =>
  getFieldDisplayValues({
    data: frames,
    fieldConfig: panel.fieldConfig,
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: same,
    theme,
    sparkline: panel.options.graphMode === 'area',
    timeZone: 'utc',
  });

function Nothing({ panel, width, height }) {
  return (
    <div style={{ width, height, display: 'grid', placeItems: 'center', opacity: 0.6 }}>
      {panel.fieldConfig.defaults.noValue ?? 'No data'}
    </div>
  );
}

function Stat(props) {
  const { panel, frames, theme, width, height } = props;
  const values = frames.length
    ? reduced(props)
    : [{ display: { text: panel.fieldConfig.defaults.noValue ?? 'No data', numeric: NaN }, sparkline: undefined }];
  return (
    <VizRepeater
      source={values}
      getValues={() => values}
      width={width}
      height={height}
      orientation="auto"
      renderCounter={1}
      autoGrid
      renderValue={({ value, width, height }) => (
        <BigValue
          value={value.display}
          sparkline={value.sparkline}
          width={width}
          height={height}
          theme={theme}
          colorMode={panel.options.colorMode}
          graphMode={panel.options.graphMode}
          justifyMode={panel.options.justifyMode}
          textMode={panel.options.textMode}
        />
      )}
    />
  );
}

function Bars(props) {
  const { panel, theme, width, height } = props;
  const values = reduced(props);
  const longest = Math.max(...values.map((v) => Number(v.display.numeric)));
  return (
    <VizRepeater
      source={values}
      getValues={() => values}
      width={width}
      height={height}
      orientation="horizontal"
      renderCounter={1}
      minVizHeight={panel.options.minVizHeight}
      maxVizHeight={panel.options.maxVizHeight}
      itemSpacing={6}
      getAlignmentFactors={() => ({
        title: values.reduce((a, v) => (v.display.title.length > a.length ? v.display.title : a), ''),
        text: String(longest),
      })}
      renderValue={({ value, width, height, alignmentFactors }) => (
        <BarGauge
          value={value.display}
          field={{ ...value.field, max: longest }}
          width={width}
          height={height}
          theme={theme}
          orientation="horizontal"
          displayMode={panel.options.displayMode}
          valueDisplayMode={panel.options.valueMode}
          namePlacement={panel.options.namePlacement}
          showUnfilled={panel.options.showUnfilled}
          alignmentFactors={alignmentFactors}
          text={panel.options.text}
          itemSpacing={6}
          lcdCellWidth={12}
        />
      )}
    />
  );
}

const range = (span) => {
  const from = dateTime(span.from);
  const to = dateTime(span.to);
  return { from, to, raw: { from, to } };
};

function Graph({ panel, frames, span, width, height }) {
  return (
    <TimeSeries
      frames={frames}
      timeRange={range(span)}
      timeZone="utc"
      width={width}
      height={height}
      legend={panel.options.legend}
      options={{}}
    />
  );
}

function Rows({ panel, frames, width, height }) {
  return (
    <TableNG
      data={frames[0]}
      width={width}
      height={height}
      sortBy={panel.options.sortBy}
      cellHeight={panel.options.cellHeight}
      fieldConfig={panel.fieldConfig}
      structureRev={1}
      enableVirtualization
    />
  );
}

// Timeline replaces the state timeline, which Grafana's packages lack.
function Timeline({ panel, frames, span, theme, width, height }) {
  const rows = frames.flatMap((f) => {
    const times = f.fields.find((x) => x.type === FieldType.time).values;
    const field = f.fields.find((x) => x.type === FieldType.number);
    const stretches = [];
    field.values.forEach((v, i) => {
      if (v == null) {
        return;
      }
      const last = stretches.at(-1);
      if (last && last.value === v && times[i] - last.to <= span.step) {
        last.to = times[i];
      } else {
        stretches.push({ value: v, from: times[i], to: times[i] });
      }
    });
    return [{ name: field.config.displayNameFromDS, stretches, field }];
  });
  const left = Math.min(width * 0.35, 230);
  const x = (t) => ((t - span.from) / (span.to - span.from + span.step)) * (width - left);
  const each = Math.min((height - 20) / rows.length, 34);
  const ticks = [0.1, 0.3, 0.5, 0.7, 0.9].map((s) => span.from + s * (span.to - span.from));
  return (
    <div style={{ position: 'relative', width, height, fontSize: 12 }}>
      {rows.map((row, i) => (
        <div key={row.name} style={{ position: 'absolute', top: i * each, width, height: each, lineHeight: `${each}px` }}>
          <div style={{ width: left - 8, textAlign: 'right', overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }}>{row.name}</div>
          {row.stretches.map((s) => (
            <div
              key={s.from}
              style={{
                position: 'absolute', left: left + x(s.from), top: each * 0.15, height: each * 0.7,
                width: x(s.to + span.step) - x(s.from), background: theme.visualization.getColorByName(row.field.display(s.value).color ?? 'blue'), opacity: 0.7,
              }}
            />
          ))}
        </div>
      ))}
      {ticks.map((t) => (
        <div key={t} style={{ position: 'absolute', bottom: 0, left: left + x(t) - 15, color: theme.colors.text.secondary }}>
          {new Date(t).toISOString().slice(11, 16)}
        </div>
      ))}
    </div>
  );
}

const kinds = { stat: Stat, bargauge: Bars, timeseries: Graph, table: Rows, 'state-timeline': Timeline };

export function Viz(props) {
  const empty = props.frames.every((f) => f.length === 0) || props.frames.length === 0;
  const Kind = kinds[props.panel.type];
  if (empty && props.panel.type !== 'stat') {
    return <Nothing {...props} />;
  }
  return <Kind {...props} />;
}
