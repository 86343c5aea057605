namespace Atelier.Tasks.Images;

/// <summary>How pictures looked on their way from noise, for the frames of an animation.</summary>
public sealed class SamplingAnimation
{
    /// <summary>The most pictures that are filmed: each is kept once a step.</summary>
    public const int MostPictures = 256;

    private readonly SortedDictionary<double, SortedDictionary<int, byte[]>> _frames = [];

    /// <summary>The frames in order of time: all pictures, in order of their numbers.</summary>
    public IEnumerable<IReadOnlyList<ReadOnlyMemory<byte>>> Frames =>
        _frames.Values.Select(frame =>
        (IReadOnlyList<ReadOnlyMemory<byte>>)[.. frame.Values.Select(p => (ReadOnlyMemory<byte>)p)]);

    /// <summary>Takes pictures in; those of a later look at the same time stand for the earlier ones.</summary>
    /// <param name="step">What the generator tells.</param>
    public void Add(SamplingStep step)
    {
        if (!_frames.TryGetValue(step.Done, out SortedDictionary<int, byte[]>? frame))
            _frames[step.Done] = frame = [];
        IReadOnlyList<byte[]> pictures = step.Pictures();
        for (int i = 0; i < pictures.Count; i++)
            frame[step.First + i] = pictures[i];
    }
}

/// <summary>Pictures on their way from noise.</summary>
/// <param name="First">The number of the first of them.</param>
/// <param name="Done">The share of their way, from 0 to 1.</param>
/// <param name="Pictures">Makes them as they look now: each rows from the top, each pixel's channels together.</param>
public readonly record struct SamplingStep(int First, double Done, Func<IReadOnlyList<byte[]>> Pictures);
