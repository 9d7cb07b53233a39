import { render } from "preact";
import { useState } from "preact/hooks";
import uPlot from "uplot";

function App() {
  const [n, set] = useState(0);
  return <button onClick={() => set(n + 1)}>{n} {String(uPlot.paths)}</button>;
}
render(<App />, document.getElementById("app")!);
