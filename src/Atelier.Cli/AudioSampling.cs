using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Tasks;
using Atelier.Tasks.Audio;
using Atelier.Tasks.Images;

namespace Atelier.Cli;

/// <summary>Generates sounds for the command generate.</summary>
internal sealed class AudioSampling(ToolConsole console, AudioTask task)
{
    /// <summary>The option that names the gap of a sound.</summary>
    public static Option<string?> GapOption() => new("--gap")
    {
        HelpName = "0.2-0.4",
        Description = "The part of the input sound to generate anew, from where to where in seconds.",
    };

    /// <summary>The option that names a vocoder.</summary>
    public static Option<string?> VocoderOption() => new("--vocoder")
    {
        HelpName = "RUN",
        Description = "A second model that computes the sounds of spectrograms, instead of the algorithm of Griffin "
            + "and Lim.",
    };

    /// <summary>Opens a vocoder for a model. The caller disposes it after the model.</summary>
    /// <exception cref="AtelierException">It is no vocoder, or not for the model's spectrograms.</exception>
    public static ITrainedModel OpenVocoder(Workshop workshop, string run, ITrainedModel first, string device,
        CancellationToken cancellation)
    {
        ImageGenerator generator = first.As<ImageGenerator>()
            ?? throw new AtelierException("the model generates no spectrograms", "--vocoder", "leave it out");
        ITrainedModel opened = workshop.Open(run, new OpenOptions { Device = device }, cancellation);
        try
        {
            generator.Vocoder = opened.As<IVocoder>()
                ?? throw new AtelierException("is no vocoder", run, "name a run of the family vocoder");
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Reads a gap: "0.2-0.4"; null stays null.</summary>
    /// <exception cref="AtelierException">It is no range of seconds.</exception>
    public static TimeRange? Gap(string? text)
    {
        if (text is null)
            return null;
        double[] ends = [.. text.Split('-').Select(part => double.TryParse(part, NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture, out double seconds) ? seconds : double.NaN)];
        return ends is [var start, var end] && !double.IsNaN(start) && !double.IsNaN(end) ? new(start, end)
            : throw new AtelierException($"'{text}' is no range of seconds", "--gap", "write 0.2-0.4");
    }

    /// <summary>Generates sounds and shows where they are.</summary>
    public async Task<int> RunAsync(ITrainedModel model, string run, GenerationRequest request, string? place,
        CancellationToken cancellation)
    {
        if (place is null)
            console.Remark("the sounds are not saved: use --out to name a file or folder");
        Form form = FormOf(place);
        var samples = new List<AudioSample>();
        await foreach (Sample sample in task.GenerateAsync(model, request, cancellation).ConfigureAwait(false))
        {
            samples.Add((AudioSample)sample);
            if (request.Count > 1)
                console.Remark(FormattableString.Invariant($"{samples.Count} of {request.Count} sounds"));
        }
        SampleOrigin? origin = AudioTask.OriginOf(model, request);
        switch (form)
        {
            case Form.Joined:
                Write(place!, AudioOutput.Joined(samples, origin));
                break;
            case Form.Opus:
                Write(place!, AudioOutput.JoinedOpus(samples, origin));
                break;
            case Form.Each:
                foreach (((string name, byte[] content), int i) in
                    AudioOutput.Each(samples, origin).Select((file, i) => (file, i)).ToArray())
                {
                    string path = Path.Combine(place!, name);
                    Write(path, content);
                    samples[i] = samples[i] with { File = path };
                }
                break;
            case Form.Spectrograms:
                (ImageSchema schema, IReadOnlyList<ReadOnlyMemory<byte>> images) =
                    AudioTask.Spectrograms(model, samples);
                ImageGrid.Write(place!, schema, images, origin?.ToTexts());
                break;
        }
        if (form is Form.Joined or Form.Opus or Form.Spectrograms)
            samples = [.. samples.Select(sample => sample with { File = place })];
        foreach (string line in samples.Select(sample => sample.Shown).Distinct())
            console.Say(line);
        foreach (AudioSample sample in samples.Where(sample => sample.Continuation is not null))
            console.Say(sample.Continuation!.Shown);
        console.Result(() => new JsonObject
        {
            ["run"] = Path.GetFullPath(run),
            ["seed"] = request.Seed,
            ["samples"] = new JsonArray([.. samples.Select(sample => (JsonNode)sample.ToJson())]),
        });
        return 0;
    }

    private static void Write(string path, byte[] content) => AtomicFile.Write(path, stream => stream.Write(content));

    private static Form FormOf(string? place) => place is null ? Form.None
        : Directory.Exists(place) || Path.EndsInDirectorySeparator(place) ? Form.Each
        : Path.GetExtension(place).ToLowerInvariant() switch
        {
            ".wav" => Form.Joined,
            ".opus" => Form.Opus,
            ".png" => Form.Spectrograms,
            _ => throw new AtelierException("sounds are written as WAV or Opus (one after another), PNG (a grid "
                + "of spectrograms) or into a folder (a WAV file each)", place,
                "name a .wav, an .opus, a .png, or a folder with / at its end"),
        };

    private enum Form
    {
        None,
        Joined,
        Opus,
        Each,
        Spectrograms,
    }
}
