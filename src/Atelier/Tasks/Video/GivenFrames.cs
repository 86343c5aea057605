using static TorchSharp.torch;

namespace Atelier.Tasks.Video;

/// <summary>The frames of clips that are given, and which the others are generated from.</summary>
/// <param name="Frames">[batch, frames, channels, height, width], fp32, −1 to 1; frames that are not given are
/// ignored.</param>
/// <param name="IsGiven">Whether each frame is given.</param>
public sealed record GivenFrames(Tensor Frames, IReadOnlyList<bool> IsGiven)
{
    /// <summary>Returns the first frames of clips as given.</summary>
    /// <param name="clips">[batch, frames, channels, height, width].</param>
    /// <param name="count">The number of given frames.</param>
    public static GivenFrames First(Tensor clips, int count) =>
        new(clips, [.. Enumerable.Range(0, (int)clips.shape[1]).Select(frame => frame < count)]);

    /// <summary>Whether the given frames are the first ones, so that the others continue them.</summary>
    public bool ArePrefix => IsGiven.Count(given => given) is var count && IsGiven.Take(count).All(given => given);

    /// <summary>1 at given frames and 0 at others, [1, frames, 1, 1, 1], fp32.</summary>
    public Tensor Mask() => tensor(IsGiven.Select(given => given ? 1f : 0f).ToArray(),
        [1, IsGiven.Count, 1, 1, 1]).to(Frames.device);
}
