// A link to another view of this page: it can be opened in a tab of its own, or copied.
import type { ComponentChildren } from "preact";
import { linkTo, type Change } from "../state";
import type { Context } from "./controls";

export function Link(props: { ctx: Context; to: Change; class?: string; children: ComponentChildren }) {
  const { ctx, to } = props;
  const follow = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    // Not left to the browser: within another page a fragment may lead out of this one.
    event.preventDefault();
    ctx.go(to);
    scrollTo(0, 0);
  };
  return (
    <a href={linkTo(ctx.state, to)} class={props.class} onClick={follow}>
      {props.children}
    </a>
  );
}
