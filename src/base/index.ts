export { BoundedText, wholeEnd } from "./bounded-text.js";
export { type Clock, type Random, sleep } from "./clock.js";
export { makeFolder } from "./folders.js";
export { newId } from "./id.js";
export { type Line, LineSplitter } from "./json-lines.js";
export { Mailbox } from "./mailbox.js";
export { lifeOf, type Owner, ownProcess } from "./owner.js";
export { Cancelled, type CancelReason, type EndOptions, Scope, type ScopeEnd } from "./scope.js";
