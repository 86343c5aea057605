using Atelier.Data.Audio;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.AudioLm;

/// <summary>
/// The delay pattern of Copet et al. 2023, section 2.1: codebook k of a frame is k steps later than codebook 0, so that
/// each code is predicted from the coarser codes of its frame, while a step still predicts a code of every codebook.
/// </summary>
internal static class DelayPattern
{
    /// <summary>The number of steps of a clip: frames + codebooks − 1.</summary>
    public static int Steps(CodeShape codes) => codes.Frames + codes.Codebooks - 1;

    /// <summary>Delays codes.</summary>
    /// <param name="codes">[batch, codebooks, frames], int64.</param>
    /// <param name="empty">The id that stands where a step has no code of a codebook.</param>
    /// <returns>[batch, codebooks, steps], int64: at step s, the code of frame s − k of codebook k.</returns>
    public static Tensor Apply(Tensor codes, long empty)
    {
        (long batch, long books, long frames) = (codes.shape[0], codes.shape[1], codes.shape[2]);
        Tensor steps = KeptScalars.Full([batch, books, frames + books - 1], empty, ScalarType.Int64, codes.device);
        for (long k = 0; k < books; k++)
            steps.select(1, k).narrow(1, k, frames).copy_(codes.select(1, k));
        return steps;
    }

    /// <summary>Returns the codes of delayed ones.</summary>
    /// <param name="steps">[batch, codebooks, steps].</param>
    /// <returns>[batch, codebooks, frames].</returns>
    public static Tensor Undo(Tensor steps)
    {
        long books = steps.shape[1], frames = steps.shape[2] - books + 1;
        return stack([.. Enumerable.Range(0, (int)books).Select(k => steps.select(1, k).narrow(1, k, frames))], 1);
    }
}
