namespace Atelier.Data.Audio;

/// <summary>A sound that is read from its beginning to its end, so that it never has to fit in memory.</summary>
internal interface ISampleStream : IDisposable
{
    /// <summary>Frames per second. A frame is one sample of each channel.</summary>
    int SampleRate { get; }

    /// <summary>The number of channels.</summary>
    int Channels { get; }

    /// <summary>
    /// What was wrong with the source, known once the end is reached: "is cut short". Null if nothing was wrong.
    /// </summary>
    string? Fault { get; }

    /// <summary>Reads the next frames.</summary>
    /// <param name="samples">Receives interleaved samples, full scale from −1 to 1; its length is a multiple of the
    /// number of channels.</param>
    /// <returns>The number of frames that were read; 0 at the end.</returns>
    int Read(Span<float> samples);
}
