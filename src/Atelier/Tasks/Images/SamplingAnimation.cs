namespace Atelier.Tasks.Images;

/// <summary>Collects intermediate images of sampling as the frames of an animation.</summary>
public sealed class SamplingAnimation
{
    /// <summary>The largest number of images, since each is stored once a step.</summary>
    public const int MostImages = 256;

    private readonly SortedDictionary<double, SortedDictionary<int, byte[]>> _frames = [];

    /// <summary>The frames in order of time: all images, in order of their numbers.</summary>
    public IEnumerable<IReadOnlyList<ReadOnlyMemory<byte>>> Frames =>
        _frames.Values.Select(frame =>
        (IReadOnlyList<ReadOnlyMemory<byte>>)[.. frame.Values.Select(p => (ReadOnlyMemory<byte>)p)]);

    /// <summary>Adds images; a later state at the same time replaces the earlier one.</summary>
    /// <param name="step">The state that the generator reports.</param>
    public void Add(SamplingStep step)
    {
        if (!_frames.TryGetValue(step.Done, out SortedDictionary<int, byte[]>? frame))
            _frames[step.Done] = frame = [];
        IReadOnlyList<byte[]> images = step.Images();
        for (int i = 0; i < images.Count; i++)
            frame[step.First + i] = images[i];
    }
}

/// <summary>An intermediate state of sampling.</summary>
/// <param name="First">The number of the first image.</param>
/// <param name="Done">Progress from 0 to 1.</param>
/// <param name="Images">Returns the present images: rows from the top, the channels of each pixel together.</param>
public readonly record struct SamplingStep(int First, double Done, Func<IReadOnlyList<byte[]>> Images);
