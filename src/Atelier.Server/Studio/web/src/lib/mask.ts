/** A part of an image in pixels. */
export interface Rectangle {
  left: number;
  top: number;
  width: number;
  height: number;
}

const LARGEST = 1024; // pixels of a side; images of models are smaller

/** An image to edit, and what of it is painted over to be generated anew. */
export class EditedImage {
  readonly #image: HTMLCanvasElement;
  readonly #paint: HTMLCanvasElement;

  private constructor(
    bitmap: ImageBitmap,
    readonly name: string,
  ) {
    const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
    this.#image = canvas(Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)));
    this.#paint = canvas(this.width, this.height);
    context(this.#image).drawImage(bitmap, 0, 0, this.width, this.height);
  }

  /** Reads a file; fails if it is not an image that the browser knows. */
  static async read(file: Blob, name: string): Promise<EditedImage> {
    const bitmap = await createImageBitmap(file);
    try {
      return new EditedImage(bitmap, name);
    } finally {
      bitmap.close();
    }
  }

  get width(): number {
    return this.#image.width;
  }

  get height(): number {
    return this.#image.height;
  }

  /** Paints a line with a round brush. */
  stroke(from: [number, number], to: [number, number], size: number): void {
    const pen = context(this.#paint);
    pen.lineWidth = size;
    pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
  }

  fill({ left, top, width, height }: Rectangle): void {
    context(this.#paint).fillRect(left, top, width, height);
  }

  clear(): void {
    context(this.#paint).clearRect(0, 0, this.width, this.height);
  }

  /** The share of the image that is painted over, from 0 to 1. */
  share(): number {
    const { data } = context(this.#paint).getImageData(0, 0, this.width, this.height);
    let sum = 0;
    for (let i = 3; i < data.length; i += 4) sum += data[i] ?? 0;
    return sum / (255 * this.width * this.height);
  }

  /** Shows the image, with the painted part tinted. */
  show(target: HTMLCanvasElement, colour: string): void {
    [target.width, target.height] = [this.width, this.height];
    const shown = context(target);
    shown.drawImage(this.#paint, 0, 0);
    shown.globalCompositeOperation = "source-in";
    shown.fillStyle = colour;
    shown.globalAlpha = 0.6;
    shown.fillRect(0, 0, this.width, this.height);
    shown.globalAlpha = 1;
    shown.globalCompositeOperation = "destination-over";
    shown.drawImage(this.#image, 0, 0);
  }

  image(): Promise<Blob> {
    return png(this.#image);
  }

  /** The mask as OpenAI has it: transparent where the image is generated anew. */
  mask(): Promise<Blob> {
    const mask = canvas(this.width, this.height);
    const pen = context(mask);
    pen.fillRect(0, 0, this.width, this.height);
    pen.globalCompositeOperation = "destination-out";
    pen.drawImage(this.#paint, 0, 0);
    return png(mask);
  }
}

function canvas(width: number, height: number): HTMLCanvasElement {
  return Object.assign(document.createElement("canvas"), { width, height });
}

function context(target: HTMLCanvasElement): CanvasRenderingContext2D {
  const found = target.getContext("2d");
  if (!found) throw new Error("this browser has no canvas");
  return found;
}

function png(from: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    from.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the image cannot be encoded"))), "image/png");
  });
}
