/** What the profile's page adds to the report's style sheet: a colour for each phase, and the shapes that have them. */
export const PROFILE_STYLE = `
.data{--own:var(--zero)}.forward{--own:var(--total)}.backward{--own:var(--mean)}.optimiser{--own:var(--equiv)}
.metric{--own:var(--paper)}.whole{--own:var(--train)}
.phases{display:flex;flex-wrap:wrap;gap:.2rem 1.3rem;margin:0 0 .8rem;padding:0;list-style:none;font-size:.85rem}
.phases li{display:flex;align-items:center;gap:.45rem}
.phases i{width:.8rem;height:.8rem;border-radius:2px;background:var(--own);print-color-adjust:exact;
 -webkit-print-color-adjust:exact}
.flame{position:relative;overflow:hidden;border-radius:6px;font-size:12px;line-height:23px;cursor:pointer}
.bar{position:absolute;height:23px;padding:0 5px;overflow:hidden;white-space:nowrap;text-overflow:ellipsis;
 border-right:1px solid var(--page);background:color-mix(in srgb,var(--own) 34%,var(--panel));
 print-color-adjust:exact;-webkit-print-color-adjust:exact}
.bar.odd{background:color-mix(in srgb,var(--own) 24%,var(--panel))}
.bar:hover{background:color-mix(in srgb,var(--own) 55%,var(--panel))}
.bar.narrow{padding:0;color:transparent}
.points circle{fill:var(--own);fill-opacity:.34;stroke:var(--own);stroke-width:1}
.points circle:hover{fill-opacity:.75}
.point-labels text{font-size:11px;paint-order:stroke;stroke:var(--page);stroke-width:3px;pointer-events:none}
.point-labels path{stroke:var(--soft);stroke-width:.8;fill:none;pointer-events:none}
.chart .roof{fill:none;stroke:var(--text);stroke-width:1.6}
.chart .roof-label{font-size:12px;font-weight:600;paint-order:stroke;stroke:var(--page);stroke-width:3px}
.tensors rect{fill:color-mix(in srgb,var(--own) 30%,var(--panel));stroke:var(--own);stroke-width:.5}
.tensors rect:hover{fill:color-mix(in srgb,var(--own) 60%,var(--panel))}
.tensors text{font-size:10px;pointer-events:none}
.strip rect{fill:var(--own)}
.chart .living{fill:var(--train);fill-opacity:.35;stroke:var(--train-line);stroke-width:1}
.chart .peak{stroke:var(--text);stroke-width:1;stroke-dasharray:3 3;pointer-events:none}
.chart .peak-label{font-size:12px}
.floating{position:fixed;max-width:min(44rem,94vw);white-space:normal;overflow-wrap:anywhere}
td:first-child,th:first-child{text-align:left}
td .dot{display:inline-block;width:.6rem;height:.6rem;border-radius:2px;background:var(--own);margin-right:.5rem}
h3.table{margin:1.6rem 0 .5rem}
`;
