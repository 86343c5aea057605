using Atelier.Abstractions;

namespace Atelier.Evaluation.Audio;

/// <summary>Compares the pitches and the tempo of a continuation with those of the given sound.</summary>
internal static class MusicComparison
{
    /// <summary>Measures both.</summary>
    /// <param name="given">The samples of the given beginning.</param>
    /// <param name="continued">The samples that follow it.</param>
    /// <param name="sampleRate">Samples per second.</param>
    public static SoundContinuation Of(ReadOnlySpan<float> given, ReadOnlySpan<float> continued, int sampleRate)
    {
        double[]? one = Chroma.Of(given, sampleRate), other = Chroma.Of(continued, sampleRate);
        return new((double)given.Length / sampleRate,
            one is null || other is null ? null : Chroma.Similarity(one, other), Tempo.Of(given, sampleRate),
            Tempo.Of(continued, sampleRate));
    }
}
