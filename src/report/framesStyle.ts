/** What the page of measured frames adds to the report's style sheet. */
export const FRAMES_STYLE = `
.dots .line{stroke-width:1.6;stroke-dasharray:none}.dots .grid.minor{stroke:var(--grid)}
.dots .name{font-size:12.5px}.dots .percent .markers{fill:var(--equiv)}
td:first-child,th:first-child{text-align:left}p+.scroll{margin-top:1rem}.n{white-space:nowrap}
.pairs{grid-template-columns:1fr;max-width:48rem}.pairs dt{flex:none;max-width:55%}
@media screen{.scroll th,.scroll td{padding-left:.6rem;padding-right:.6rem}}
.verdicts{list-style:none;margin:1.8rem 0 0;padding:0}
.verdicts li{padding:.55rem 0 .55rem .9rem;border-left:4px solid var(--line);margin:.5rem 0;overflow-wrap:anywhere}
.verdicts .not-symmetric{border-left-color:var(--mean)}.verdicts .rounding{border-left-color:var(--equiv)}
.verdicts .undecided{border-left-color:var(--warn);border-left-style:dashed}
.verdicts .rounding{border-left-style:double;border-left-width:6px}
.advice{margin:.8rem 0 1.4rem;padding-left:1.2rem}.advice li{margin:.3rem 0}
figure+figure,.scroll+figure,.caption+figure,figure+.scroll,.caption+.scroll{margin-top:1.6rem}
details.term{margin:1rem 0 0;border-top:1px solid var(--line)}
details.term>summary{cursor:pointer;font-weight:650;font-size:1.02rem;padding:.9rem 0;overflow-wrap:anywhere}
details.term>summary span{font-weight:400;color:var(--soft);font-size:.88rem}
details.term h3{margin:1.8rem 0 .5rem}
details.term summary+h3{margin-top:.2rem}
.molecule .stage{position:relative;width:100%;max-width:34rem;aspect-ratio:1;margin:0 auto;background:var(--panel);
 border:1px solid var(--line);border-radius:8px;overflow:hidden}
.molecule svg{display:block;width:100%;height:100%}
.molecule circle{stroke:var(--zero);stroke-width:1}
.molecule svg text{text-anchor:middle;font-weight:600}
.molecule .bright{fill:#16191c;color:#16191c}.molecule .dark{fill:#fff;color:#fff}
.molecule .bond{stroke:var(--train-line);fill:none;stroke-linecap:round}.molecule .under{stroke:var(--panel);fill:none}
.molecule .edge{stroke:var(--soft);stroke-width:1;fill:none;stroke-dasharray:4 3}
.molecule .shaft{stroke:var(--mean);stroke-width:3.6;fill:none}
.molecule .halo{stroke:var(--panel);stroke-width:6.6;fill:none}
.molecule .head{fill:var(--mean);stroke:var(--panel);stroke-width:3}
.molecule .arrows circle{fill:var(--mean);stroke:none}
.molecule .arrows path{paint-order:stroke}
.molecule canvas{position:absolute;inset:0;width:100%;height:100%;display:block}
.molecule .stage>span{position:absolute;left:0;top:0;font-size:.72rem;font-weight:600;pointer-events:none;
 user-select:none}
.molecule.turnable .stage{cursor:grab;touch-action:pan-y;outline-offset:3px}
.molecule.turnable .stage:active{cursor:grabbing}
.molecule.turnable svg{visibility:hidden}.molecule:not(.turnable) :is(canvas,.stage>span){display:none}
.molecule .controls{display:none}
.molecule.turnable .controls{display:flex;flex-wrap:wrap;gap:.4rem 1rem;align-items:center;justify-content:center;
 margin-top:.6rem;font-size:.82rem}
.controls button{font:inherit;font-size:1rem;line-height:1;min-width:2.2rem;min-height:2.2rem;margin-right:.25rem;
 color:var(--text);background:var(--panel);border:1px solid var(--line);border-radius:6px;cursor:pointer}
.controls button:hover{border-color:var(--soft)}
.cite{font-size:.9rem}.cite li{margin:.35rem 0;overflow-wrap:anywhere}
a{color:var(--total)}
@media screen and (max-width:44rem){.figures .value{white-space:normal;font-size:1.35rem}}
@media print{details.term::details-content{content-visibility:visible;block-size:auto}
 .molecule canvas,.molecule .controls,.molecule .stage>span{display:none!important}
 .molecule.turnable svg{visibility:visible}.molecule .stage{max-width:11cm}}
`;
