using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Compress.Sounds;

namespace Atelier.Cli.Commands;

/// <summary>The part of the command compress that codes sounds.</summary>
internal static class SoundCompressing
{
    private static readonly (string Name, SoundFormat Format)[] Formats =
    [
        ("opus", SoundFormat.Opus), ("mu-law", SoundFormat.MuLaw), ("codec", SoundFormat.Codec),
        ("wav", SoundFormat.Wav),
    ];

    /// <summary>Whether a name is that of a format of sounds.</summary>
    public static bool IsFormat(string name) => Formats.Any(format => format.Name == name);

    /// <summary>Returns a format by its name.</summary>
    /// <exception cref="AtelierException">There is no such format.</exception>
    public static SoundFormat Format(string name) => Formats.FirstOrDefault(format => format.Name == name) is
        { Name: not null } found ? found.Format
        : throw new AtelierException($"sounds are not compressed to '{name}'", "--to",
            "allowed: " + string.Join(", ", Formats.Select(format => format.Name)));

    /// <summary>Returns the bits per second of a rate such as 3k, 6000 or 1.5k.</summary>
    /// <exception cref="AtelierException">It is no rate.</exception>
    public static double Rate(string text)
    {
        bool isKilo = text.EndsWith('k') || text.EndsWith('K');
        return double.TryParse(isKilo ? text[..^1] : text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
            out double value) && value > 0 ? isKilo ? 1000 * value : value
            : throw new AtelierException($"'{text}' is no rate", "--rate", "write bits per second, such as 3k or 6000");
    }

    /// <summary>Shows a report.</summary>
    public static void Show(ToolConsole console, SoundCompressionReport report)
    {
        List<string[]> rows =
        [
            ["rate (kbit/s)", Number(report.BitsPerSecond / 1000)],
            ["rate of the file (kbit/s)", Number(report.FileBitsPerSecond / 1000)],
        ];
        if (report.EntropyBitsPerSecond is { } entropy)
            rows.Add(["entropy of the codes (kbit/s)", Number(entropy / 1000)]);
        if (report.Distortion is { } distortion)
        {
            rows.Add(["mel distance (dB)", Number(distortion.MelDistance)]);
            rows.Add(["log-spectral distance (dB)", Number(distortion.LogSpectralDistance)]);
            rows.Add(["SI-SDR (dB)", Number(distortion.SiSdr)]);
        }
        console.Table(["", Formats.First(format => format.Format == report.Format).Name], rows);
        console.Say($"file: {report.File}");
        console.Result(() => new JsonObject
        {
            ["file"] = report.File,
            ["format"] = Formats.First(format => format.Format == report.Format).Name,
            ["seconds"] = report.Seconds, ["bytes"] = report.Bytes, ["bitsPerSecond"] = report.BitsPerSecond,
            ["fileBitsPerSecond"] = report.FileBitsPerSecond,
            ["entropyBitsPerSecond"] = report.EntropyBitsPerSecond,
            ["melDistance"] = report.Distortion?.MelDistance,
            ["logSpectralDistance"] = report.Distortion?.LogSpectralDistance,
            ["siSdr"] = report.Distortion?.SiSdr,
        });
    }

    private static string Number(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
