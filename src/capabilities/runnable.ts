import { baseName } from "../lib/posix-path.ts";

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Endings of files that are programs, or that a program runs when it meets them. */
const EXTENSIONS = words(`
  sh bash zsh ksh csh tcsh fish command run bin elf out so o ko dll dylib exe com scr msi bat cmd ps1 psm1 vbs
  vbe wsf hta reg lnk py pyw pyc pyo pth pyz ipynb pl pm rb php phar lua tcl awk sed r jl js mjs cjs ts mts cts
  jsx tsx wasm jar war class groovy gradle kts scala clj el vim appimage deb rpm apk snap flatpak flatpakref
  desktop service timer socket path target mount automount rules cron mk cmake make ninja just nix spec
  xpi crx docm dotm xlsm xltm xlam pptm ppam potm scpt applescript workflow ebuild pkgbuild url webloc
`);

/** Whole names, lower case: read by a shell, an editor, a build or a package tool when it starts. */
const NAMES = words(`
  .bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .login .logout .cshrc .tcshrc .kshrc
  .mkshrc .zshrc .zshenv .zprofile .zlogin .zlogout .xinitrc .xsession .xsessionrc .xprofile .xserverrc
  .xresources .xdefaults .vimrc .gvimrc .exrc .nvimrc .emacs .spacemacs .nanorc .gdbinit .lldbinit .inputrc
  .screenrc .tmux.conf .envrc .env .npmrc .yarnrc .yarnrc.yml .pypirc .pythonrc .condarc .gemrc .irbrc .pryrc
  .rprofile .sqliterc .psqlrc .curlrc .wgetrc .netrc .mailcap .forward .procmailrc .gitconfig .gitattributes
  .gitmodules .pam_environment .muttrc .gtkrc .dmrc .hgrc .babelrc .eslintrc .pre-commit-config.yaml
  .gitlab-ci.yml .travis.yml makefile gnumakefile bsdmakefile dockerfile containerfile jenkinsfile vagrantfile
  rakefile gemfile guardfile capfile procfile justfile brewfile pipfile sconstruct sconscript wscript
  cmakelists.txt meson.build build.ninja build.xml pom.xml build.bazel package.json
  package-lock.json composer.json deno.json deno.jsonc tsconfig.json pyproject.toml setup.cfg tox.ini noxfile
  cargo.toml build.zig docker-compose.yml docker-compose.yaml compose.yml compose.yaml crontab anacrontab
  authorized_keys authorized_keys2 rc.local environment profile bash.bashrc sudoers ld.so.preload ld.so.conf
  user.js prefs.js autoexec.bat pkgbuild
`);

/** Folders whose files are run or obeyed whatever their names. */
const FOLDERS = words(`
  bin sbin libexec hooks .git .hg .ssh .githooks .husky .vscode .idea .devcontainer workflows autostart systemd
  init.d rc.d profile.d conf.d sudoers.d pam.d udev cron cron.d cron.hourly cron.daily cron.weekly cron.monthly
  crontabs xinitrc.d xsession.d site-packages dist-packages node_modules scripts .emacs.d .vim nvim
  environment.d modules-load.d ld.so.conf.d
`);

/** Beginnings of content that a kernel or shell runs: #!, ELF, PE, Java and Mach-O. */
const MAGIC = [
  "2321",
  "7f454c46",
  "4d5a",
  "cafebabe",
  "feedface",
  "feedfacf",
  "cffaedfe",
  "cefaedfe",
];

/** Why a file of this path and beginning can run code, or undefined. A path is normalised. */
export function runsCode(path: string, head: Uint8Array): string | undefined {
  const name = baseName(path).toLowerCase();
  const extension = name.slice(name.lastIndexOf(".") + 1);
  if (name.includes(".") && EXTENSIONS.has(extension)) {
    return `a .${extension} file can run code`;
  }
  if (NAMES.has(name)) return `a file named ${name} can run code`;
  if (/^\.[a-z]+(?:rc|_profile|env)$/.test(name)) return "a start-up file can run code";
  const folder = path
    .toLowerCase()
    .split("/")
    .slice(0, -1)
    .find((part) => FOLDERS.has(part));
  if (folder !== undefined) return `a file in ${folder} can run code`;
  const start = Buffer.from(head).toString("hex");
  return MAGIC.some((magic) => start.startsWith(magic))
    ? "its content begins like a program"
    : undefined;
}
