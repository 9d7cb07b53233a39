// A line of Python with its words coloured.  Knows single lines only: within a string of many lines it errs.
const WORDS =
  "and|as|assert|async|await|break|case|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|match|nonlocal|not|or|pass|raise|return|try|while|with|yield|None|True|False";
const TOKENS = new RegExp(
  `(#.*)|([rbfuRBFU]{0,2}(?:"(?:\\\\.|[^"\\\\])*"|'(?:\\\\.|[^'\\\\])*'))|\\b(${WORDS})\\b|\\b(\\d[\\w.]*)\\b`,
  "g",
);
const CLASSES = ["comment", "string", "word", "number"];

export function Code({ text }: { text: string }) {
  const parts = [];
  let at = 0;
  for (const match of text.slice(0, 2000).matchAll(TOKENS)) {
    if (match.index > at) parts.push(text.slice(at, match.index));
    const kind = match.slice(1).findIndex((group) => group !== undefined);
    parts.push(<i class={CLASSES[kind]}>{match[0]}</i>);
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return <>{parts}</>;
}
