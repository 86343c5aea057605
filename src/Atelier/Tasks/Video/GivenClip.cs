using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Data.Video;
using Atelier.Recipes;
using static TorchSharp.torch;

namespace Atelier.Tasks.Video;

/// <summary>The frames that a request gives, in the size of a model.</summary>
/// <param name="Clip">[frames, channels, height, width], 0 to 255; frames that are not given are black.</param>
/// <param name="IsGiven">Whether each frame is given.</param>
/// <param name="Schema">The model's clips.</param>
internal sealed record GivenClip(byte[] Clip, IReadOnlyList<bool> IsGiven, VideoSchema Schema)
{
    /// <summary>Reads the given frames of a request; null if it gives none.</summary>
    /// <exception cref="AtelierException">The file has no frames, or too many or too few for those that are
    /// named.</exception>
    public static GivenClip? Read(GenerationRequest request, VideoSchema schema, CancellationToken cancellation)
    {
        if (request.Input is not { } input)
            return request.GivenFrames is null ? null
                : throw new AtelierException("no video is given", Mention.Field("input"), "name a video file or a GIF");
        int[]? places = request.GivenFrames is { } asked ? [.. asked.Distinct().Order()] : null;
        if (places is not null && (places.Length == 0 || places[0] < 0 || places[^1] >= schema.Frames))
            throw new AtelierException("a frame does not exist", Mention.Field("given"),
                $"frames are numbered from 0 to {schema.Frames - 1}");
        List<byte[]> frames = Frames(input, schema, cancellation);
        if (frames.Count == 0)
            throw new AtelierException("has no frames", input.Name, "give a video, a GIF or an image");
        // A file of a whole clip has each frame at its place; a file of the given frames alone has them in order.
        bool isWhole = places is not null && frames.Count > places[^1];
        places ??= [.. Enumerable.Range(0, frames.Count)];
        if (!isWhole && frames.Count < places.Length)
            throw new AtelierException($"has {Quantity.Of(frames.Count, "frame")}, but {places.Length} are given",
                input.Name, "give all of them");
        if (places.Length >= schema.Frames)
            throw new AtelierException($"has {Quantity.Of(frames.Count, "frame")}, and the model's clips have "
                + $"{schema.Frames}, so that none is left to generate", input.Name,
                $"name the frames that are given by {Mention.Field("given")}, such as 0-3");
        var clip = new byte[schema.Size];
        var isGiven = new bool[schema.Frames];
        for (int i = 0; i < places.Length; i++)
        {
            frames[isWhole ? places[i] : i].CopyTo(clip.AsSpan(places[i] * schema.FrameSize));
            isGiven[places[i]] = true;
        }
        return new(clip, isGiven, schema);
    }

    /// <summary>Returns the frames as those of several clips.</summary>
    public GivenFrames Repeated(int count)
    {
        var values = new float[Clip.Length];
        ImageBatches.Scale(Clip, values);
        Tensor one = VideoBatches.Shaped(values, Schema);
        return new(one.expand(count, Schema.Frames, Schema.Channels, Schema.Height, Schema.Width), IsGiven);
    }

    private static List<byte[]> Frames(InputData input, VideoSchema schema, CancellationToken cancellation)
    {
        var frames = new List<byte[]>();
        string name = Path.GetFileName(input.Name);
        if (ImageEntry.IsImage(name) && !name.EndsWith(".gif", StringComparison.OrdinalIgnoreCase))
            return [ImageFiles.Decode(new InputImage(input.Content, input.Name), schema.Width, schema.Height,
                schema.Channels)];
        var format = new FrameFormat(schema.Width, schema.Height, schema.Channels, Fps: null, VideoFit.Crop);
        using var decoded = FfmpegFrames.Open(input.Content, input.Name, stream: 0, format, cancellation);
        var frame = new byte[format.Size];
        while (frames.Count <= schema.Frames && decoded.Read(frame))
            frames.Add([.. frame]);
        return frames;
    }
}
