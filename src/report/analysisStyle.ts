/** What the analysis' page adds to the report's style sheet. */
export const ANALYSIS_STYLE = `
.figures{display:flex;flex-wrap:wrap}.figures>div{flex:1 0 22%}
.dots .line{stroke-width:1.4;stroke-dasharray:none}.dots .grid.minor{stroke:var(--grid)}
.dots .name{font-size:12px;fill:var(--text)}
.random .markers,.trace .markers{fill:var(--zero)}.random .line{stroke:var(--zero)}
.fit .line{stroke:var(--text);stroke-width:1.3;stroke-dasharray:2 4}
.offset .line{stroke:var(--zero);stroke-width:1;stroke-dasharray:7 4}
.band.loss-total,.loss-total .band{fill:var(--total)}.band.loss-mean,.loss-mean .band{fill:var(--mean)}
td:first-child,th:first-child{text-align:left}
.meaning td:last-child,.meaning th:last-child{text-align:left;white-space:normal;min-width:15rem;color:var(--soft)}
.meaning{margin-top:1.6rem}.meaning .scroll{max-height:none}.scroll th,.scroll td{padding-left:.6rem;padding-right:.6rem}
figure .chart+.chart{margin-top:1rem}figure+figure,.scroll+figure,.meaning+figure,figure+.scroll{margin-top:1.8rem}
h3+.chart,h3+.heat{margin-top:.2rem}
figure h3{margin-bottom:.8rem}
.tip .fit i{background:var(--text)}
@media screen and (max-width:54rem){.figures>div{flex-basis:40%}}
`;
