/** The page of a store that is not ours looks unlike Quartermaster on purpose, so that nobody mistakes one for the other. */
export const CONTROL_STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8d4cc, #44413b); --soft: light-dark(#f4f1ea, #262420); --ink: light-dark(#1f1d1a, #ece8e0);
  --faint: light-dark(#5f5a51, #b0a99c); --mark: light-dark(#8a4b00, #f0b46a); --page: light-dark(#fffdf9, #1a1916); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1180px; background: var(--page); color: var(--ink); font: 14px/1.5 system-ui, sans-serif; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 32px 0 8px; }
p { margin: 4px 0 12px; color: var(--faint); max-width: 78ch; }
a { color: inherit; } a:hover { color: var(--mark); }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: var(--faint); padding-bottom: 4px; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
code { font: 12px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
form { display: inline-flex; flex-wrap: wrap; gap: 6px 8px; align-items: end; margin: 0 12px 8px 0; }
td form { margin: 0; }
form.block { display: flex; padding: 12px; background: var(--soft); border-radius: 8px; margin: 0 0 10px; }
label { display: inline-flex; flex-direction: column; gap: 2px; font-size: 12px; color: var(--faint); }
input, select, textarea, button { font: inherit; color: var(--ink); background: var(--page); border: 1px solid var(--line); border-radius: 6px; padding: 4px 8px; }
input.short { width: 7em; } textarea { width: 32em; max-width: 100%; height: 4em; }
button { cursor: pointer; background: var(--soft); } button:hover { border-color: var(--mark); }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 1px; }
.mark { color: var(--mark); } .wide { overflow-x: auto; } .switch { display: grid; grid-template-columns: 15em 14em 1fr; gap: 4px 12px; width: 100%; align-items: center; }
.switch span { color: var(--faint); font-size: 12px; }
`
