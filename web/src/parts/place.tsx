// A place in the code, such as "json/decoder.py:353".  Where there is no room the file is cut, not the line.

export function Place({ text, withLine = true }: { text: string; withLine?: boolean }) {
  const [, file = text, line = ""] = /^(.*?)(:\d+)?$/s.exec(text) ?? [];
  return (
    <>
      <span>{file}</span>
      {withLine && line}
    </>
  );
}
