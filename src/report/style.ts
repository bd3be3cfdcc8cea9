/**
 * The report's style sheet. Curves are told apart by lightness, dash and marker as well as by hue (blue, vermilion and
 * green that colour-blind readers can separate); the dark scheme is for screens only, so print is always dark on white.
 */
export const STYLE = `
:root{color-scheme:light dark;
--page:#fdfdfc;--panel:#fff;--text:#1b2127;--soft:#5b6570;--line:#dfe2e0;--grid:#e8eae8;--grid-minor:#f3f4f3;
--total:#0b62a8;--mean:#c2500a;--equiv:#00806a;--zero:#3b434b;--train:#9aa5af;--train-line:#75818c;--paper:#a3256b;
--shade:#f1efe8;--warn:#8a5a00}
@media screen and (prefers-color-scheme:dark){:root{
--page:#13161a;--panel:#191d22;--text:#e6e9ec;--soft:#9ba6b1;--line:#2d343b;--grid:#262c33;--grid-minor:#1d2228;
--total:#62b0f2;--mean:#f29a5c;--equiv:#3fc7a6;--zero:#c3cad1;--train:#66717c;--train-line:#8a96a2;--paper:#ee86bd;
--shade:#20231f;--warn:#e0b060}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);
 font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
 -webkit-text-size-adjust:100%}
main{max-width:61rem;margin:0 auto;padding:3rem 1.5rem 4rem}
h1{font-size:1.9rem;line-height:1.2;font-weight:650;letter-spacing:-.015em;margin:.2rem 0 .4rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;font-weight:650;margin:3rem 0 .9rem;padding-top:.9rem;border-top:1px solid var(--line)}
h3{font-size:.88rem;font-weight:600;margin:0 0 .4rem}
p{margin:.4rem 0}
b{font-weight:600}
.eyebrow{font-size:.8rem;letter-spacing:.09em;text-transform:uppercase;color:var(--soft);margin:0}
.lead,.muted{color:var(--soft)}
.figures{display:grid;grid-template-columns:repeat(4,1fr);gap:1px;margin:2rem 0 0;background:var(--line);
 border:1px solid var(--line);border-radius:8px;overflow:hidden}
.figures>div{background:var(--panel);padding:1rem 1.15rem 1.05rem}
.figures dt{font-size:.82rem;color:var(--soft)}
.figures dd{margin:0}
.figures .value{font-size:1.75rem;line-height:1.3;font-weight:600;letter-spacing:-.02em;
 font-variant-numeric:tabular-nums;white-space:nowrap}
.figures .value small{font-size:1rem;font-weight:450;letter-spacing:0;color:var(--soft)}
.figures .more{font-size:.82rem;color:var(--soft)}
.notes{margin:1.4rem 0 0;padding:.15rem 0 .15rem 1rem;border-left:3px solid var(--warn);list-style:none}
.notes li{margin:.25rem 0;overflow-wrap:anywhere}
figure{margin:0;break-inside:avoid}
figcaption,.caption{font-size:.86rem;line-height:1.5;color:var(--soft);max-width:52rem;margin-top:.7rem}
.empty{padding:3rem 1rem;text-align:center;color:var(--soft);border:1px dashed var(--line);border-radius:8px}
.chart{position:relative;overflow-x:auto;outline-offset:4px}
.chart svg{display:block;width:100%;min-width:38rem;height:auto;font-size:12.5px;font-variant-numeric:tabular-nums}
.chart text{fill:var(--text)}
.chart .axes text{fill:var(--soft)}
.chart .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.chart .axis,.chart .tick{stroke:var(--soft);stroke-width:1;fill:none}
.chart .grid{stroke:var(--grid);stroke-width:1}
.chart .grid.minor{stroke:var(--grid-minor)}
.chart .markers{stroke:var(--page);stroke-width:1}
.chart .cursor{stroke:var(--soft);stroke-width:1;pointer-events:none}
.chart .shade{fill:var(--shade)}
.chart .shade-label{fill:var(--soft);font-size:12px}
.chart .shade-label.outside{paint-order:stroke;stroke:var(--page);stroke-width:5px}
.loss-total .line{stroke:var(--total)}.loss-total .markers{fill:var(--total)}
.loss-mean .line{stroke:var(--mean);stroke-dasharray:6 4}.loss-mean .markers{fill:var(--mean)}
.loss-equiv .line,.percent .line{stroke:var(--equiv)}.loss-equiv .markers,.percent .markers{fill:var(--equiv)}
.loss-zero .line{stroke:var(--zero);stroke-width:1.5;stroke-dasharray:1.5 4}
.train-raw .line{stroke:var(--train);stroke-width:1;stroke-opacity:.45}
.train-smooth .line{stroke:var(--train-line);stroke-width:1.3}
.band{fill:var(--equiv);fill-opacity:.2;stroke:none}
.paper .line{stroke:var(--paper);stroke-width:1.4;stroke-dasharray:7 4}.chart .rule.paper text{fill:var(--paper)}
.heat rect{fill:var(--total);print-color-adjust:exact;-webkit-print-color-adjust:exact}
.heat .below rect,.heat rect.below{fill:var(--mean)}
.heat text{font-size:11px;text-anchor:middle}.heat .strong text{fill:var(--page)}.heat .narrow text{font-size:10px}
.heat .name{font-size:12px;text-anchor:end}.heat .headings text{fill:var(--soft)}
.heat .headings path{stroke:var(--line)}
.heat .bar-legend text{font-size:12px;text-anchor:start;fill:var(--soft)}
.heat .bar-legend rect{shape-rendering:crispEdges}.heat .bar-legend .frame{fill:none;stroke:var(--line)}
.heat+.heat{margin-top:1.6rem}
.tip{position:absolute;z-index:1;pointer-events:none;padding:.5rem .7rem;background:var(--panel);
 border:1px solid var(--line);border-radius:6px;box-shadow:0 3px 14px rgb(0 0 0/.16);font-size:.8rem;line-height:1.5;
 white-space:nowrap;font-variant-numeric:tabular-nums}
.tip b{display:block;font-weight:600}
.tip div{display:flex;align-items:center;gap:.5rem}
.tip span:last-child{margin-left:auto;padding-left:1rem}
.tip i{width:.6rem;height:.6rem;border-radius:2px;background:var(--train-line)}
.tip .loss-total i{background:var(--total)}.tip .loss-mean i{background:var(--mean)}
.tip .loss-equiv i,.tip .percent i{background:var(--equiv)}.tip .loss-zero i{background:var(--zero)}
.panels{display:grid;grid-template-columns:repeat(4,1fr);gap:1rem}
.slice p{font-size:.82rem;line-height:1.4;color:var(--soft)}
.slice h3::first-letter{text-transform:uppercase}
.picture{position:relative;background:#000;border-radius:4px;overflow:hidden;-webkit-print-color-adjust:exact;
 print-color-adjust:exact}
.picture img{display:block;width:100%;height:auto;image-rendering:pixelated}
.scale-bar{position:absolute;left:7%;bottom:6%;color:#fff;font-size:.72rem;line-height:1.5;text-align:center;
 border-bottom:2px solid #fff;background:rgb(0 0 0/.6)}
.slice-legends{display:grid;grid-template-columns:repeat(4,1fr);gap:1rem;align-items:center;margin-top:.6rem;
 font-size:.82rem}
.elements{grid-column:1/4;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:0;padding:0;list-style:none}
.elements li{display:flex;align-items:center;gap:.4rem}
.swatch{width:.8rem;height:.8rem;border-radius:50%;border:1px solid var(--soft);print-color-adjust:exact;
 -webkit-print-color-adjust:exact}
.colour-bar{display:flex;align-items:center;gap:.45rem;white-space:nowrap;font-variant-numeric:tabular-nums}
.colour-bar i{flex:1;min-width:1.5rem;height:.7rem;border-radius:2px;print-color-adjust:exact;
 -webkit-print-color-adjust:exact}
.scroll{overflow:auto;max-height:27rem;border:1px solid var(--line);border-radius:8px;background:var(--panel)}
table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums;white-space:nowrap}
th,td{padding:.38rem .9rem;text-align:right;font-weight:400}
thead th{position:sticky;top:0;background:var(--panel);font-weight:600;box-shadow:0 1px 0 var(--line);padding-top:.6rem}
tbody tr+tr td{border-top:1px solid var(--grid)}
.pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:0 2.2rem;margin:0;font-size:.88rem}
.pairs div{display:flex;justify-content:space-between;gap:1.2rem;padding:.28rem 0;border-bottom:1px solid var(--grid);
 break-inside:avoid}
.pairs dt{color:var(--soft)}
.pairs dd{margin:0;text-align:right;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
footer{margin-top:3rem;font-size:.82rem;color:var(--soft)}
@media screen and (max-width:54rem){.figures{grid-template-columns:repeat(2,1fr)}}
@media screen and (max-width:44rem){main{padding:1.6rem 1rem 3rem}h1{font-size:1.5rem}
 .figures,.panels,.slice-legends{grid-template-columns:repeat(2,1fr)}.elements{grid-column:1/3}
 .colour-bar{grid-column:1/3}}
@media print{:root{color-scheme:light;--page:#fff}body{font-size:10.5pt}main{max-width:none;padding:0}
 h2{break-after:avoid;margin-top:1.6rem}.scroll{max-height:none;overflow:visible;border:0}thead th{position:static}
 th,td{padding:.25rem .3rem}table,.pairs,figcaption,.caption,.slice p{font-size:8.5pt}.figures .value{font-size:14pt}
 .figures>div{padding:.6rem .7rem}.figures dt,.figures .more{font-size:8pt}.panels,.slice-legends{gap:.6rem}
 .chart{overflow:visible}.chart svg{min-width:0}.tip,.cursor{display:none}tr{break-inside:avoid}@page{margin:15mm}}
`;
