"""How the page looks, on a wide screen, a phone and paper; and the few lines that open what a link points to."""

STYLE = """
:root { color-scheme: light; --line: #c8ccd0; }
body { font: 15px/1.5 system-ui, sans-serif; color: #16191d; background: #fff; margin: 0; }
main { max-width: 1240px; margin: 0 auto; padding: 0 16px 48px; }
h1 { font-size: 1.6rem; margin: 24px 0 8px; }
h2 { font-size: 1.2rem; margin: 36px 0 6px; border-bottom: 1px solid var(--line); }
p { max-width: 80ch; }
code { font: 0.85em/1.4 ui-monospace, monospace; background: #f3f4f6; padding: 1px 3px; overflow-wrap: anywhere; }
.verdict { font-size: 1.15rem; font-weight: 600; padding: 8px 12px; max-width: none; border-left: 6px solid; }
.verdict.good { border-color: #0072b2; background: #eef5fb; color: inherit; }
.wide { overflow-x: auto; margin: 8px 0; }
table { border-collapse: collapse; font-size: 0.85rem; }
th, td { padding: 2px 6px; text-align: left; border: 1px solid var(--line); vertical-align: top; }
th { font-weight: 500; white-space: nowrap; background: #f8f9fa; }
thead th b { display: block; }
td a, th a { color: inherit; text-decoration: none; white-space: nowrap; }
td a:hover, th a:hover { text-decoration: underline; }
td:target { outline: 3px solid #d55e00; }
.overview td { width: 17px; min-width: 17px; height: 17px; padding: 0; text-align: center; }
.overview td a { display: block; width: 100%; min-height: 17px; }
.overview thead th { vertical-align: bottom; padding: 4px 0; }
.turned { writing-mode: vertical-rl; transform: rotate(180deg); font-size: 0.75rem; }
.overview tbody th { position: sticky; left: 0; z-index: 1; padding: 0 6px; }
.hidden { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; white-space: nowrap; }
.key { display: inline-block; padding: 0 8px; margin: 2px 4px 2px 0; border: 1px solid var(--line); }
td code { display: inline-block; min-width: min(16em, 60vw); }
td code.part { min-width: 0; }
.l0 { background: #f7fbff; } .l1 { background: #d4e4f4; } .l2 { background: #9cc6e3; }
.l3 { background: #5293c7; color: #fff; } .l4 { background: #14477f; color: #fff; }
.bad { background: #d55e00; color: #fff; font-weight: 700; }
details { margin: 6px 0; }
details details { margin-left: 8px; }
summary { cursor: pointer; padding: 2px 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 12px; }
figure { margin: 0; border: 1px solid var(--line); padding: 6px; break-inside: avoid; }
figcaption { font-size: 0.85rem; font-weight: 500; }
figure svg { width: 100%; height: auto; max-width: 480px; }
figure text { font: 9px system-ui, sans-serif; fill: #333; }
.grid { stroke: #e4e7ea; stroke-width: 1; fill: none; }
figure ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0 12px; }
figure li { font-size: 0.75rem; }
figure svg.mark { width: 26px; height: 10px; margin-right: 4px; }
@media (max-width: 600px) { main { padding: 0 10px 32px; } body { font-size: 14px; } h1 { font-size: 1.3rem; } }
@media print {
  main { max-width: none; }
  .wide { overflow: visible; }
  table { font-size: 7pt; }
  tr { break-inside: avoid; }
  td, .verdict, .key { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .overview tbody th { position: static; }
}
"""
SCRIPT = """
function show() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
  if (target) target.scrollIntoView({ block: "center" });
}
addEventListener("hashchange", show);
show();
"""
