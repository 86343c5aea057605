/** An answer that is an error. */
export class Refusal extends Error {
  constructor(status, message, param = null) {
    super(message);
    this.status = status;
    this.param = param;
  }
}

/** Ends a request with an error. */
export function refuse(status, message, param = null) {
  throw new Refusal(status, message, param);
}
