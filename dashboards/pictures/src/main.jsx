// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

import { createTheme, ThemeContext } from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { GlobalStyles, PanelChrome } from '@grafana/ui';
import { createRoot } from 'react-dom/client';

import { framesOf } from './frames.js';
import { Viz } from './panels.jsx';

const column = 8; // between panels, and the height of a cell of the grid is 30
const cell = 30;

function Variable({ name, value, theme }) {
  return (
    <span style={{ display: 'inline-flex', marginRight: 8, marginBottom: 6, border: `1px solid ${theme.colors.border.medium}`, borderRadius: 4, lineHeight: '30px', fontSize: 13 }}>
      <span style={{ padding: '0 8px', background: theme.colors.background.secondary, fontWeight: 500 }}>{name}</span>
      <span style={{ padding: '0 10px', minWidth: 40, background: theme.colors.background.primary }}>{value}</span>
    </span>
  );
}

function Page({ dump, frames, theme, width }) {
  const { dashboard, span } = dump;
  const unit = (width - 32 + column) / 24;
  const bottom = Math.max(...dashboard.panels.map((p) => p.gridPos.y + p.gridPos.h));
  return (
    <div style={{ width, padding: 16, boxSizing: 'border-box', background: theme.colors.background.canvas }}>
      <div style={{ display: 'flex', justifyContent: 'space-between', marginBottom: 10 }}>
        <h3 style={{ margin: 0 }}>{dashboard.title}</h3>
        <div style={{ fontSize: 13, color: theme.colors.text.link }}>
          {dashboard.links.map((l) => (
            <span key={l.title} style={{ marginLeft: 16 }}>{l.title}</span>
          ))}
        </div>
      </div>
      <div style={{ marginBottom: 6 }}>
        {dashboard.templating.list.map((v) => (
          <Variable key={v.name} theme={theme} name={v.label} value={dump.chosen[v.name]} />
        ))}
      </div>
      <div style={{ position: 'relative', height: bottom * (cell + column) }}>
        {dashboard.panels.map((panel, i) => {
          const g = panel.gridPos;
          const box = {
            position: 'absolute', left: g.x * unit, top: g.y * (cell + column),
            width: g.w * unit - column, height: g.h * (cell + column) - column,
          };
          if (panel.type === 'row') {
            return <div key={panel.id} style={{ ...box, lineHeight: '30px', fontWeight: 500 }}>⌄ {panel.title}</div>;
          }
          return (
            <div key={panel.id} style={box}>
              <PanelChrome title={panel.title} description={panel.description} width={box.width} height={box.height}>
                {(w, h) => <Viz panel={panel} frames={frames[i]} span={span} theme={theme} width={w} height={h} />}
              </PanelChrome>
            </div>
          );
        })}
      </div>
    </div>
  );
}

const query = new URLSearchParams(window.location.search);
const theme = createTheme({ colors: { mode: query.get('theme') ?? 'dark' } });
const dump = await (await fetch(`data/${query.get('dashboard')}`)).json();
await initPluginTranslations('dashboard-pictures');
const frames = await Promise.all(
  dump.dashboard.panels.map((panel, i) => (panel.type === 'row' ? [] : framesOf(panel, dump.replies[i], dump.span, theme)))
);
createRoot(document.getElementById('root')).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles />
    <Page dump={dump} frames={frames} theme={theme} width={window.innerWidth} />
  </ThemeContext.Provider>
);
