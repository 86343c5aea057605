using Atelier.Generation;
using Atelier.Layers;
using Atelier.Tasks;
using Atelier.Tasks.Audio;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.AudioLm;

/// <summary>
/// Generates the codes of sounds step by step, with the keys and values of earlier steps in caches. When a sound
/// becomes longer than the context, the model sees the last half of the context as the beginning of a clip.
/// </summary>
internal sealed class CodeSampler
{
    private readonly AudioLanguageModel _model;
    private readonly SoundSampling _sampling;
    private readonly int _count, _books, _frames, _given;
    private readonly long[] _codes; // [sound, codebook, frame]
    private readonly Tensor? _labels; // those of the class, and with guidance then those of any class
    private readonly bool _isGuided;

    /// <summary>Creates the sampler of some sounds.</summary>
    public CodeSampler(AudioLanguageModel model, SoundSampling sampling)
    {
        (_model, _sampling) = (model, sampling);
        (_count, _books, _frames) = (sampling.Seeds.Count, model.Codes.Codebooks, sampling.Frames);
        _given = sampling.Given?[0].Length ?? 0;
        _codes = new long[_count * _books * _frames];
        for (int row = 0; row < _count * _books; row++)
        {
            for (int frame = 0; frame < _given; frame++)
                _codes[(row * _frames) + frame] = sampling.Given![row % _books][frame];
        }
        if (!model.IsConditional)
            return;
        _isGuided = sampling.Labels is not null && sampling.Guidance != 1;
        long[] any = [.. sampling.Seeds.Select(_ => model.AnyClass)],
            labels = sampling.Labels is { } asked ? [.. asked.Select(label => (long)label)] : any;
        _labels = tensor(_isGuided ? [.. labels, .. any] : labels).to(model.Device);
    }

    /// <summary>Generates the codes, [sound][codebook][frame].</summary>
    public int[][][] Run(CancellationToken cancellation)
    {
        var sampler = new TokenSampler(_sampling.Decoding, _model.Codes.CodebookSize);
        SplitMix64[] random = [.. _sampling.Seeds.Select(seed => new SplitMix64(seed))];
        IReadOnlyList<KeyValueCache> caches = [];
        int first = 0; // the frame at which the context begins
        try
        {
            for (int step = _given; step < _frames + _books - 1; step++)
            {
                cancellation.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                bool isFull = step - first >= Limit(first), isNew = caches.Count == 0 || isFull;
                if (isNew)
                {
                    Dispose(caches);
                    caches = _model.CreateCaches();
                }
                if (isFull)
                    first = step - (_model.Codes.Frames / 2);
                Choose(step, Logits(isNew ? Start(first, step) : Steps(step - 1, step, first), caches), sampler,
                    random);
            }
        }
        finally
        {
            Dispose(caches);
        }
        return [.. Enumerable.Range(0, _count).Select(sound => Enumerable.Range(0, _books).Select(book =>
            Enumerable.Range(0, _frames).Select(frame => (int)_codes[At(sound, book, frame)]).ToArray()).ToArray())];
    }

    /// <summary>
    /// The steps of a context: of a whole clip if the sounds end within it, or else those with a code of each frame.
    /// </summary>
    private int Limit(int first) =>
        first + _model.Codes.Frames >= _frames ? _model.Context : _model.Codes.Frames;

    /// <summary>The logits of each codebook at the last step, [codebook][sound, code].</summary>
    private float[][] Logits(Tensor inputs, IReadOnlyList<KeyValueCache> caches)
    {
        Tensor rows = inputs.to(_model.Device);
        Tensor hidden = _model.Encode(_isGuided ? cat([rows, rows], 0) : rows, _labels, caches);
        Tensor last = hidden.select(1, hidden.shape[1] - 1);
        return [.. Enumerable.Range(0, _books).Select(book =>
        {
            Tensor logits = _model.Logits(last, book);
            if (_isGuided)
                logits = CodeDecoding.Guided(logits, _sampling.Guidance);
            return logits.cpu().contiguous().data<float>().ToArray();
        })];
    }

    /// <summary>Chooses the codes of a step that are not given.</summary>
    private void Choose(int step, float[][] logits, TokenSampler sampler, SplitMix64[] random)
    {
        int size = _model.Codes.CodebookSize;
        for (int sound = 0; sound < _count; sound++)
        {
            for (int book = 0; book < _books; book++)
            {
                int frame = step - book;
                if (frame >= _given && frame < _frames)
                    _codes[At(sound, book, frame)] =
                        sampler.Choose(logits[book].AsSpan(sound * size, size), ref random[sound]).Id;
            }
        }
    }

    /// <summary>The inputs of a sequence that begins with a frame: a step without codes, and the steps before
    /// one.</summary>
    private Tensor Start(int firstFrame, int step)
    {
        Tensor start = KeptScalars.Full([_count, _books, 1], _model.Empty, ScalarType.Int64);
        return step == firstFrame ? start : cat([start, Steps(firstFrame, step, firstFrame)], 2);
    }

    /// <summary>The codes of some steps, of frames from the first one on, [sound, codebook, steps].</summary>
    private Tensor Steps(int from, int to, int firstFrame)
    {
        var steps = new long[_count * _books * (to - from)];
        for (int row = 0; row < _count * _books; row++)
        {
            for (int step = from; step < to; step++)
            {
                int frame = step - (row % _books);
                steps[(row * (to - from)) + step - from] = frame >= firstFrame && frame < _frames
                    ? _codes[(row * _frames) + frame] : _model.Empty;
            }
        }
        return tensor(steps, _count, _books, to - from);
    }

    private int At(int sound, int book, int frame) => (((sound * _books) + book) * _frames) + frame;

    private static void Dispose(IReadOnlyList<KeyValueCache> caches)
    {
        foreach (KeyValueCache cache in caches)
            cache.Dispose();
    }
}
