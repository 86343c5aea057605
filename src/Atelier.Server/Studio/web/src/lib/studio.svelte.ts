import { access, ApiError, get } from "./api.svelte";

/** What the server lets these pages do. */
class Studio {
  /** Whether trainings can be started here; null until the server has said so. */
  trains = $state<boolean | null>(null);
  mostUploadBytes = $state(Infinity);

  async load(): Promise<void> {
    try {
      const said = await get<{ trains: boolean; most_upload_bytes: number }>("/v1/atelier/studio");
      this.trains = said.trains;
      this.mostUploadBytes = said.most_upload_bytes;
    } catch (caught) {
      // what has no such address trains nothing; the pages themselves show that a server is not reached
      if (caught instanceof ApiError && !access.refused) this.trains = false;
    }
  }
}

export const studio = new Studio();
