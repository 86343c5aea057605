using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Formats;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Audio;
using Atelier.Tasks.Images;

namespace Atelier.Cli;

/// <summary>Generates an image or a sound again, from what its file records.</summary>
internal sealed class SampleAgain(ToolConsole console, Workshop workshop)
{
    /// <summary>Generates a sample again.</summary>
    /// <param name="file">A PNG, WAV or Opus file that was generated before.</param>
    /// <param name="run">The model; null finds the run that the file records.</param>
    /// <param name="upscaler">The model that enlarged an image; null finds the run that the file records.</param>
    /// <param name="vocoder">The model that computed a sound; null finds the run that the file records.</param>
    /// <param name="place">The file to write; null writes a new file in the same folder.</param>
    /// <param name="device">The device.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    public async Task<int> RunAsync(string file, string? run, string? upscaler, string? vocoder, string? place,
        string device, CancellationToken cancellation)
    {
        var origin = SampleOrigin.Read(new InputData(InputFile.Load(file), file),
            path => ImageFiles.LoadAll(path, LatentArguments.MostPictures),
            path => new InputData(InputFile.Load(path), path));
        string source = run ?? Find(origin.Model, "generated", file, "atelier generate RUN --like " + file);
        using ITrainedModel opened = workshop.Open(source, new OpenOptions { Device = device }, cancellation);
        Same(opened, origin.Model, "generated", source);
        if (origin.Upscaler is null && upscaler is not null)
            throw new AtelierException("the image was not enlarged by a model", "--upscale", "leave it out");
        string? second = origin.Upscaler is { } enlarger
            ? upscaler ?? Find(enlarger, "enlarged", file, $"atelier generate --like {file} --upscale RUN")
            : null;
        var images = new ImageSampling(console, workshop);
        using ITrainedModel? large =
            second is null ? null : images.OpenUpscaler(second, opened, device, cancellation);
        if (large is not null)
            Same(large, origin.Upscaler!, "enlarged", second!);
        if (origin.Vocoder is null && vocoder is not null)
            throw new AtelierException("the sound was not computed by a vocoder", "--vocoder", "leave it out");
        string? third = origin.Vocoder is { } computed
            ? vocoder ?? Find(computed, "computed", file, $"atelier generate --like {file} --vocoder RUN")
            : null;
        using ITrainedModel? sounding =
            third is null ? null : AudioSampling.OpenVocoder(workshop, third, opened, device, cancellation);
        if (sounding is not null)
            Same(sounding, origin.Vocoder!, "computed", third!);
        origin.CheckFiles();
        string again = place ?? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!,
            $"{Path.GetFileNameWithoutExtension(file)}-again{Path.GetExtension(file)}");
        if (workshop.TaskOf(opened) is AudioTask sounds)
            return await new AudioSampling(console, sounds)
                .RunAsync(opened, source, origin.Request, again, cancellation).ConfigureAwait(false);
        return await images
            .RunAsync(opened.Require<ImageGenerator>(), source, origin.Request, again, cancellation)
            .ConfigureAwait(false);
    }

    private static void Same(ITrainedModel opened, BundleIdentity model, string did, string source)
    {
        if (opened.As<IIdentifiedModel>()?.Identity?.Weights != model.Weights)
            throw new AtelierException($"is not the model that {did} the file: its weights differ", source,
                $"name the run or bundle that {did} it");
    }

    private string Find(BundleIdentity model, string done, string file, string command) =>
        model.RunId is not { } id
            ? throw new AtelierException($"does not record which run it was {done} by", file,
                $"name the model: {command}")
            : workshop.History.Find(id)?.Folder
            ?? throw new AtelierException($"was {done} by the run {id}, which is not in the history here", file,
                $"name the model: {command}");
}
