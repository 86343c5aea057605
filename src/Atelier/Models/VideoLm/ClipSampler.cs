using Atelier.Generation;
using Atelier.Layers;
using Atelier.Tasks;
using Atelier.Tasks.Video;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.VideoLm;

/// <summary>
/// Generates the codes of clips one after another, with the keys and values of earlier codes in caches.
/// </summary>
internal sealed class ClipSampler(VideoLanguageModel model, VideoSampling sampling)
{
    /// <summary>Generates the codes.</summary>
    /// <param name="noise">Standard normal, [batch, ...]; its first bits are the seed of a clip's choices.</param>
    /// <param name="given">The codes that clips begin with, [batch, codes], int64; null for none.</param>
    /// <param name="labels">The classes, [batch], int64; null for any class, and without classes.</param>
    /// <param name="cancellation">Cancels before the next code.</param>
    /// <returns>[batch, positions of a clip], int64.</returns>
    public Tensor Run(Tensor noise, Tensor? given, Tensor? labels, CancellationToken cancellation)
    {
        int count = (int)noise.shape[0], size = model.Config.Codes,
            positions = model.FramePositions * model.Schema.Frames, first = (int)(given?.shape[1] ?? 0);
        double guidance = sampling.Drawing.Guidance ?? 1;
        bool isGuided = model.IsConditional && labels is not null && guidance != 1;
        Tensor? classes = Classes(noise, labels, isGuided);
        SplitMix64[] random = Seeds(noise);
        var sampler = new TokenSampler(sampling.Decoding, size);
        var codes = new List<Tensor>(positions - first);
        Tensor start = KeptScalars.Full([count, 1], model.Start, ScalarType.Int64, noise.device),
            before = given is null ? start : cat([start, given], 1);
        KeyValueCache[] caches = [.. Enumerable.Range(0, model.Config.LayerCount).Select(_ => new KeyValueCache())];
        try
        {
            for (int position = first; position < positions; position++)
            {
                cancellation.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                Tensor logits = model.NextLogits(isGuided ? cat([before, before], 0) : before, classes, caches);
                if (isGuided)
                    logits = CodeDecoding.Guided(logits, guidance);
                float[] values = logits.cpu().contiguous().data<float>().ToArray();
                var chosen = new long[count];
                for (int clip = 0; clip < count; clip++)
                    chosen[clip] = sampler.Choose(values.AsSpan(clip * size, size), ref random[clip]).Id;
                before = tensor(chosen, count, 1).to(noise.device).MoveToOuterDisposeScope();
                codes.Add(before);
            }
        }
        finally
        {
            foreach (KeyValueCache cache in caches)
                cache.Dispose();
        }
        return cat(given is null ? codes : [given, .. codes], 1);
    }

    private Tensor? Classes(Tensor noise, Tensor? labels, bool isGuided)
    {
        if (!model.IsConditional)
            return null;
        Tensor any = KeptScalars.Full([noise.shape[0]], model.AnyClass, ScalarType.Int64, noise.device);
        return labels is null ? any : isGuided ? cat([labels, any], 0) : labels;
    }

    private static SplitMix64[] Seeds(Tensor noise)
    {
        float[] values = noise.narrow(1, 0, 2).cpu().contiguous().data<float>().ToArray();
        return [.. values.Chunk(2).Select(pair => new SplitMix64(
            ((ulong)BitConverter.SingleToUInt32Bits(pair[0]) << 32) | BitConverter.SingleToUInt32Bits(pair[1])))];
    }
}
