/**
 * openbox without menus, keys, desktops or anything else that starts a program: naming `keyboard` and
 * `mouse` replaces its defaults. What is left is to focus, raise, move, resize and close windows. Only
 * what is bound in `Client` is handed on to the program: a press bound in `Frame` would not reach it.
 */
export const openboxConfiguration = `<?xml version="1.0" encoding="UTF-8"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <focus><focusNew>yes</focusNew><focusLast>yes</focusLast><followMouse>no</followMouse></focus>
  <placement><policy>Smart</policy><center>yes</center></placement>
  <theme><name>Clearlooks</name><titleLayout>LMC</titleLayout></theme>
  <desktops><number>1</number><popupTime>0</popupTime></desktops>
  <resize><drawContents>yes</drawContents><popupShow>Never</popupShow></resize>
  <keyboard></keyboard>
  <mouse>
    <dragThreshold>1</dragThreshold>
    <context name="Client">
      ${["Left", "Middle", "Right"].map(focusOnPress).join("\n      ")}
    </context>
    <context name="Titlebar">
      ${focusOnPress("Left")}
      <mousebind button="Left" action="Drag"><action name="Move"/></mousebind>
      <mousebind button="Left" action="DoubleClick"><action name="ToggleMaximize"/></mousebind>
    </context>
    <context name="Close">
      <mousebind button="Left" action="Click"><action name="Close"/></mousebind>
    </context>
    <context name="Maximize">
      <mousebind button="Left" action="Click"><action name="ToggleMaximize"/></mousebind>
    </context>
    ${["Top", "Bottom", "Left", "Right", "TRCorner", "BRCorner", "TLCorner", "BLCorner"]
      .map(resizeOnDrag)
      .join("\n    ")}
  </mouse>
  <menu><hideDelay>0</hideDelay></menu>
</openbox_config>
`;

function focusOnPress(button: string): string {
  const actions = '<action name="Focus"/><action name="RiskFactor"/>';
  return `<mousebind button="${button}" action="Press">${actions}</mousebind>`;
}

function resizeOnDrag(edge: string): string {
  const bind = '<mousebind button="Left" action="Drag"><action name="Resize"/></mousebind>';
  return `<context name="${edge}">${bind}</context>`;
}
