// The style sheet of the matrix page. Nothing in it comes from elsewhere: no fonts, no images.
// Colours of text on their grounds have a contrast of 7:1 or more; no meaning is in colour alone.
#ifndef PIIVAULT_OPS_CLI_POLICY_MATRIX_STYLE_H_
#define PIIVAULT_OPS_CLI_POLICY_MATRIX_STYLE_H_

namespace piivault::ops {

inline constexpr char kMatrixStyle[] = R"css(
:root{--ink:#1b2430;--soft:#45505f;--line:#c9d1db;--ground:#fff;--band:#f3f6f9;--accent:#0b4f8a}
*{box-sizing:border-box}
body{margin:0;padding:1.5rem clamp(1rem,3vw,3rem) 4rem;color:var(--ink);background:var(--ground);
font:15px/1.55 system-ui,"Hiragino Sans","Noto Sans JP","Yu Gothic UI",Meiryo,sans-serif}
h1{font-size:1.7rem;line-height:1.25;margin:.6rem 0 .2rem}
h2{font-size:1.25rem;margin:2.4rem 0 .6rem;padding-bottom:.25rem;border-bottom:2px solid var(--accent)}
h3{font-size:1.05rem;margin:1.8rem 0 .3rem}
code{font:.86em ui-monospace,"SFMono-Regular",Menlo,Consolas,monospace;overflow-wrap:anywhere}
a{color:var(--accent)}
a:focus-visible,input:focus-visible,.scroll:focus-visible{outline:3px solid #b35c00;outline-offset:2px}
.meta{color:var(--soft);margin:.15rem 0}
.lang{margin:0 .3rem 0 0;accent-color:var(--accent)}
.lang+label{margin-right:1rem;cursor:pointer}
#lang-en:checked~main .ja,#lang-ja:checked~main .en{display:none}
.scroll{overflow:auto;max-height:85vh;border:1px solid var(--line);border-radius:6px}
table{border-collapse:separate;border-spacing:0;width:100%;font-size:.92rem}
th,td{padding:.35rem .55rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);
border-right:1px solid var(--line)}
thead th{position:sticky;top:0;z-index:2;background:#e4ebf2;vertical-align:bottom}
tbody th[scope=row]{background:var(--ground);font-weight:600;position:sticky;left:0;z-index:1;min-width:11rem}
th[scope=rowgroup]{background:var(--band);font-size:.95rem}
tbody tr:hover td{background:var(--band)}
.sub{display:block;font-weight:400;color:var(--soft);font-size:.86em}
.flag{display:inline-block;font-weight:400;font-size:.78rem;border:1px solid #7b8794;border-radius:3px;
padding:0 .3rem;margin:.1rem .2rem 0 0;color:var(--soft)}
.chip{position:relative;display:inline-block;margin:.1rem .2rem .1rem 0;padding:.05rem .45rem;
border-radius:4px;border:1px solid;text-decoration:none;color:#1b2430;white-space:nowrap}
.plain{background:#fbdcd8;border-color:#9c2b1e}
.masked{background:#fdeec7;border-color:#8a6100}
.token{background:#dcebfb;border-color:#0b4f8a}
.writes{background:#dff3e1;border-color:#256b33}
.uses{background:#ececf6;border-color:#5a5a8c}
.none{color:#5b6675}
.tip{display:none;position:absolute;left:0;top:100%;z-index:3;width:max-content;max-width:24rem;
white-space:normal;background:#1b2430;color:#fff;padding:.4rem .6rem;border-radius:4px;font-size:.85rem}
.chip:hover .tip,.chip:focus .tip{display:block}
sup{font-size:.72em;line-height:0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem .9rem;margin:.3rem 0 .8rem}
dt{color:var(--soft)}dd{margin:0}
.legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.4rem 1.4rem}
:target td,:target th{background:#fff6d6!important}
@page{size:A4 landscape;margin:12mm}
@media print{body{padding:0;font-size:10px}.switch,.lang,.lang+label,.tip{display:none!important}
.scroll{overflow:visible;max-height:none;border:0}thead{display:table-header-group}
thead th,tbody th[scope=row]{position:static}tr,dl{break-inside:avoid}h2,h3{break-after:avoid}
.chip{print-color-adjust:exact;-webkit-print-color-adjust:exact}a{color:inherit}}
)css";

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_POLICY_MATRIX_STYLE_H_
