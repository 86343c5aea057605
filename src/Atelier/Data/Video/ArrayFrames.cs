namespace Atelier.Data.Video;

/// <summary>The frames of a clip in memory, which is made when its first frame is read.</summary>
/// <param name="clip">Returns [frames, channels, height, width].</param>
internal sealed class ArrayFrames(Func<byte[]> clip) : IFrameStream
{
    private readonly Lazy<byte[]> _clip = new(clip);
    private int _at;

    /// <inheritdoc/>
    public string? Fault => null;

    /// <inheritdoc/>
    public bool Read(Span<byte> frame)
    {
        byte[] all = _clip.Value;
        if (_at == all.Length)
            return false;
        all.AsSpan(_at, frame.Length).CopyTo(frame);
        _at += frame.Length;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
