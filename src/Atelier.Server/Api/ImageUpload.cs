using Atelier.Abstractions;
using Atelier.Data.Images;
using Microsoft.AspNetCore.Http.Features;

namespace Atelier.Server.Api;

/// <summary>A form with an image to edit and its mask. The files stay in memory.</summary>
internal sealed class ImageUpload
{
    /// <summary>The largest number of pixels of an image; they are counted before any is decoded.</summary>
    public const int MostPixels = 4096 * 4096;

    private const int MostFields = 64, MostHeaderBytes = 4096, MostValueCharacters = 4096;

    private ImageUpload(IFormCollection form) => Form = form;

    /// <summary>The fields.</summary>
    public IFormCollection Form { get; }

    /// <summary>Reads the form of a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="mostBytes">The largest size of a body.</param>
    /// <exception cref="ApiException">The body is no such form.</exception>
    public static async Task<ImageUpload> ReadAsync(HttpContext context, long mostBytes)
    {
        if (context.Request.ContentType?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) != true)
            throw RequestBody.OtherMediaType();
        var limits = new FormOptions
        {
            MemoryBufferThreshold = (int)Math.Min(mostBytes, int.MaxValue), // nothing is written to disk
            MultipartBodyLengthLimit = mostBytes, ValueCountLimit = MostFields,
            MultipartHeadersLengthLimit = MostHeaderBytes, ValueLengthLimit = MostValueCharacters,
        };
        try
        {
            return new ImageUpload(await context.Request.ReadFormAsync(limits, context.RequestAborted)
                .ConfigureAwait(false));
        }
        catch (Exception e) when (e is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, "the body is not a valid form",
                code: "invalid_form");
        }
    }

    /// <summary>
    /// Returns the image, and the mask: white where it is generated anew. It is the transparent part of the file
    /// "mask" or, without one, of the image; null if that is opaque, as the whole image is generated anew then.
    /// </summary>
    /// <exception cref="ApiException">A file is missing, too many, too large or no image, or they do not fit
    /// together.</exception>
    public (InputImage Image, InputImage? Mask) Images()
    {
        if (Form.Files.FirstOrDefault(file => file.Name is not ("image" or "image[]" or "mask")) is { } other)
            throw ApiException.Invalid(other.Name, $"the file '{other.Name}' is not supported; leave it out",
                "unsupported_field");
        InputImage image = One("image", "image[]")
            ?? throw ApiException.Invalid("image", "'image' is missing: a PNG, JPEG or WebP file");
        (int Width, int Height) size = Measured(image);
        if (One("mask") is not { } mask)
            return (image, Transparent(image));
        (int Width, int Height) masked = Measured(mask);
        if (masked != size)
            throw ApiException.Invalid("mask", FormattableString.Invariant(
                $"the mask has {masked.Width} × {masked.Height} pixels, the image {size.Width} × {size.Height}"));
        return (image, Transparent(mask) ?? throw ApiException.Invalid("mask",
            "the mask has no transparent pixel; make the part transparent that is generated anew"));
    }

    private InputImage? One(params IReadOnlyList<string> names)
    {
        IFormFile[] files = [.. Form.Files.Where(file => names.Contains(file.Name))];
        if (files.Length > 1)
            throw ApiException.Invalid(names[0], $"'{names[0]}' has {files.Length} files; models edit one");
        if (files.Length == 0)
            return null;
        using Stream stream = files[0].OpenReadStream();
        var content = new byte[files[0].Length];
        stream.ReadExactly(content);
        return new InputImage(content, names[0]);
    }

    private static (int Width, int Height) Measured(InputImage image)
    {
        (int width, int height) = Explained(image, ImageFiles.Measure);
        return (long)width * height <= MostPixels ? (width, height)
            : throw ApiException.Invalid(image.Name, FormattableString.Invariant(
                $"'{image.Name}' has {width} × {height} pixels; at most {MostPixels} are accepted"));
    }

    private static InputImage? Transparent(InputImage image) => Explained(image, ImageFiles.TransparencyMask);

    /// <summary>Reads an image, and says which one is damaged; its advice for files does not fit an upload.</summary>
    private static T Explained<T>(InputImage image, Func<InputImage, T> read)
    {
        try
        {
            return read(image);
        }
        catch (AtelierException e)
        {
            throw ApiException.Invalid(image.Name, $"'{image.Name}' {e.Message}", "invalid_image");
        }
    }
}
