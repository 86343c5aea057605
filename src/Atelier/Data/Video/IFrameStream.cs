namespace Atelier.Data.Video;

/// <summary>The frames of a video in their order, in one format. Not safe for concurrent use.</summary>
internal interface IFrameStream : IDisposable
{
    /// <summary>What is wrong with the rest of the video, once all frames are read; null if nothing is.</summary>
    string? Fault { get; }

    /// <summary>Reads the next frame.</summary>
    /// <param name="frame">Receives [channels, height, width], 0 to 255.</param>
    /// <returns>Whether there was one.</returns>
    bool Read(Span<byte> frame);
}
