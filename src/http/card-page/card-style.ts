// Nothing of it is translucent: a browser takes what is for covered.
export const CARD_STYLE = `
:root { color-scheme: light dark }
[hidden] { display: none !important }
body { font: .95rem/1.5 system-ui, sans-serif; margin: 0 }
main { padding: .9rem 1rem; border: 1px solid #8886; border-radius: .6rem; margin: 2px }
header { display: flex; gap: .6rem; align-items: baseline }
h1 { font-size: 1.05rem; margin: 0 }
h2 { font-size: .95rem; margin: 1rem 0 .3rem }
.badge { font-size: .75rem; font-weight: 600; padding: .05rem .5rem; border-radius: 1rem; border: 1px solid; text-transform: uppercase }
.low { color: light-dark(#06602f, #6fdc9f) } .medium { color: light-dark(#8a4b00, #ffc266) } .high { color: light-dark(#a30d0d, #ff9b9b) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .8rem; margin: .5rem 0; font-size: .85rem }
dt { color: light-dark(#555, #aaa) } dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap }
.empty { font-style: italic }
h3 { font-size: .8rem; font-weight: 600; margin: .5rem 0 .1rem; color: light-dark(#555, #aaa) }
pre { font: .82rem/1.45 ui-monospace, monospace; margin: 0; padding: .4rem .6rem; background: #8881; border-radius: .4rem; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext }
img { max-width: 100%; max-height: 30rem; display: block; margin: .5rem 0; border: 1px solid #8886 }
progress { width: 100% }
#buttons { display: flex; flex-wrap: wrap; gap: .6rem; margin-top: .8rem }
button, a { font: inherit; font-weight: 600; padding: .45rem 1rem; border-radius: .4rem; border: 1px solid #888; cursor: pointer; color: inherit; background: #8882; text-decoration: none; display: inline-block }
button:disabled { color: #888; background: none; cursor: default }
button.armed { background: #c2410c; border-color: #c2410c; color: #fff }
#note { font-size: .85rem; margin: .6rem 0 0 }
#elsewhere p { margin: .6rem 0 .4rem } #elsewhere p:empty { display: none }
#copy { background: light-dark(#1d4ed8, #93b4ff); border-color: transparent; color: light-dark(#fff, #000) }
#address { box-sizing: border-box; width: 100%; padding: .4rem .6rem; font: .82rem/1.4 ui-monospace, monospace; color: inherit; background: #8881; border: 1px solid #8886; border-radius: .4rem }
#copied { font-size: .85rem }
`;
