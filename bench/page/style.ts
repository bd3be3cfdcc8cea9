// What the page needs beyond the report's style sheet, in its colours.
export const BENCH_STYLE = `
nav{margin:1.2rem 0 0}nav a{color:var(--total)}nav li{margin:.15rem 0}nav ul,.plain{margin:.4rem 0;padding-left:1.1rem}
h2.adapter{font-size:1.45rem;letter-spacing:-.01em;margin-top:4rem}
section section h2{font-size:1.05rem;margin:2.2rem 0 .8rem;border-top:0;padding-top:0}
.figures{grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));background:var(--panel)}
.figures>div{box-shadow:0 0 0 1px var(--line)}
.ratios svg{font-size:12px}
.ratios .case{font-weight:600}.ratios .case .soft{font-weight:400;fill:var(--soft)}
.ratios .engine{fill:var(--text)}.ratios .engine.native{fill:var(--soft)}
.ratios .bar.faster{fill:var(--total)}.ratios .bar.slower{fill:var(--mean)}
.ratios .bar.native{fill-opacity:.55}
.ratios .value{font-weight:600}
.ratios .refused{fill:var(--soft);font-style:italic}
.ratios .wrong,.wrong{fill:var(--paper);color:var(--paper);font-weight:600}
.ratios .wrong-bar{fill:url(#hatch);stroke:var(--paper)}.hatch{stroke:var(--paper);stroke-width:2}
.ratios .one{stroke:var(--text);stroke-width:1.4}
.keys{display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;margin:0 0 .8rem;padding:0;list-style:none;font-size:.86rem;
 color:var(--soft)}
.keys li{display:flex;align-items:center;gap:.45rem}
.keys i{width:1.6rem;height:.7rem;border-radius:1px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.keys .faster{background:var(--total)}.keys .slower{background:var(--mean)}.keys .native{opacity:.55}
.keys .wrong{border:1px solid var(--paper);
 background:repeating-linear-gradient(-45deg,var(--paper) 0 2px,transparent 2px 5px)}
.roofline .roof{fill:none;stroke:var(--text);stroke-width:1.8;stroke-linejoin:round}
.roofline .under{fill:var(--shade);fill-opacity:.75}
.roofline .ceiling{fill:var(--soft);font-size:12px}
.roofline .point circle{fill:var(--total);stroke:var(--page);stroke-width:1.2}
.roofline .point.wrong circle{fill:var(--paper)}
.roofline .point text{font-size:11.5px}.roofline .leader{stroke:var(--soft);stroke-width:.8}
.part{margin:1.4rem 0 .3rem}.key{columns:3;column-gap:1.6rem;margin:.2rem 0 0;padding-left:2.2rem;font-size:.78rem;
 line-height:1.5;color:var(--soft);overflow-wrap:anywhere}
details{margin-top:1.2rem}summary{cursor:pointer;color:var(--soft);font-size:.9rem;margin-bottom:.8rem}
.history{display:grid;grid-template-columns:repeat(4,1fr);gap:1.4rem 1.2rem}
.moment{break-inside:avoid;min-width:0}.moment h3{margin:0 0 .2rem;overflow-wrap:anywhere}
.moment svg{display:block;width:100%;height:auto;background:var(--panel);border:1px solid var(--grid);border-radius:5px}
.moment .line{fill:none;stroke:var(--total);stroke-width:1.8;stroke-linejoin:round}
.moment .base{stroke:var(--line);stroke-dasharray:2 3;fill:none}
.moment .dot{fill:var(--total);stroke:var(--panel);stroke-width:1}
.moment .dot.unstable{fill:var(--panel);stroke:var(--total);stroke-width:1.4}
.moment p{font-size:.8rem;line-height:1.4;color:var(--soft);margin:.3rem 0 0}.moment p b{color:var(--text)}
th.name{text-align:left;position:sticky;left:0;background:var(--panel)}thead th.name{z-index:1}
tbody tr+tr th{border-top:1px solid var(--grid)}
.scroll .refused{color:var(--soft);font-style:italic}
.refusals{margin:0;padding:0;list-style:none;font-size:.86rem}.refusals li{margin:0 0 .8rem;break-inside:avoid}
.refusals pre{margin:.25rem 0 0;padding:.5rem .7rem;background:var(--panel);border:1px solid var(--grid);
 border-radius:5px;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8rem;max-height:9rem;overflow:auto}
.pairs{grid-template-columns:repeat(auto-fill,minmax(25rem,1fr))}.pairs dt{flex:none}
@media screen and (max-width:54rem){.history{grid-template-columns:repeat(2,1fr)}.key{columns:2}}
@media screen and (max-width:30rem){.pairs{grid-template-columns:1fr}}
`;
