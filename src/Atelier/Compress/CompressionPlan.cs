using System.Globalization;
using Atelier.Formats;
using Atelier.Kernels;

namespace Atelier.Compress;

/// <summary>What a compression does, read from its options.</summary>
/// <param name="Type">The type of the weights; null keeps theirs.</param>
/// <param name="PrunedShare">The share of weights or channels to prune; 0 for none.</param>
/// <param name="Pruning">What is pruned.</param>
/// <param name="Calibrates">Whether the inputs of layers are needed.</param>
/// <param name="Name">Its name in messages.</param>
internal sealed record CompressionPlan(WeightType? Type, double PrunedShare, PruningKind Pruning, bool Calibrates,
    string Name)
{
    /// <summary>GGUF's types of groups with a scale, which have names of their own.</summary>
    private static readonly string[] OtherTypes =
        ["q6_k", "q5_k", "q4_k", "q3_k", "q2_k", "q5_1", "q5_0", "q4_1", "iq4_nl", "iq4_xs"];

    /// <summary>Whether weights are pruned.</summary>
    public bool Prunes => PrunedShare > 0;

    /// <summary>Its name as that of a folder.</summary>
    public string FolderName => Name.Replace('%', 'p');

    /// <summary>Whether the inputs of layers decide how weights are rounded.</summary>
    public bool CalibratesRounding => Calibrates && Type is not (null or WeightType.Q8_0);

    /// <summary>Reads options.</summary>
    /// <exception cref="AtelierException">An option is invalid, or there is nothing to do.</exception>
    public static CompressionPlan Of(CompressionOptions options)
    {
        if (options.Type is not (null or "q8" or "q4" or "q3" or "q2") && !OtherTypes.Contains(options.Type))
            throw new AtelierException($"'{options.Type}' is not a compression type", Mention.Field("format"),
                $"allowed: q8, q4, q3, q2, {string.Join(", ", OtherTypes[..^1])} and {OtherTypes[^1]}");
        WeightType? type = options.Type is null ? null : WeightNames.Parse(options.Type);
        if (type is null && options.Prune is null)
            throw new AtelierException("there is nothing to do", Mention.Field("format"),
                $"name a type of weights, or a share to {Mention.Field("prune")}");
        PruningKind pruning = options.Prune == CompressionOptions.TwoOfFour ? PruningKind.TwoOfFour
            : options.Prune?.StartsWith(CompressionOptions.Channels, StringComparison.Ordinal) == true
            ? PruningKind.Channels : PruningKind.Weights;
        double share = options.Prune is null ? 0 : pruning switch
        {
            PruningKind.TwoOfFour => 0.5,
            PruningKind.Channels => Share(options.Prune, options.Prune[CompressionOptions.Channels.Length..]),
            _ => Share(options.Prune, options.Prune),
        };
        if (options.RecoverySteps < 0)
            throw new AtelierException($"{options.RecoverySteps} steps", Mention.Field("recover"),
                "allowed: 0 or more");
        if (share > 0 && options.Calibration == CompressionOptions.NoCalibration)
            throw new AtelierException("pruning needs the inputs of layers", Mention.Field("calibrate"),
                "name a text, or leave it out");
        if (share == 0 && options.RecoverySteps is not null)
            throw new AtelierException("only a pruned model recovers", Mention.Field("recover"), "leave it out");
        if (share > 0 && pruning != PruningKind.Channels && type == WeightType.Q2)
            throw new AtelierException("2-bit weights have no zero, so that a pruned model keeps none",
                Mention.Field("format"), $"use q3, or leave {Mention.Field("prune")} out");
        if (share > 0 && pruning != PruningKind.Channels && OtherTypes.Contains(options.Type))
            throw new AtelierException($"weights in {options.Type} need not have a zero, so that a pruned model keeps "
                + "few", Mention.Field("format"), $"use q4 or q3, or leave {Mention.Field("prune")} out");
        bool calibrates = share > 0 || (type is not (null or WeightType.Q8_0)
            && options.Calibration != CompressionOptions.NoCalibration);
        if (!calibrates && options.Calibration is not (null or CompressionOptions.NoCalibration))
            throw new AtelierException("8-bit weights are not calibrated", Mention.Field("calibrate"), "leave it out");
        return new(type, share, pruning, calibrates, options.Name);
    }

    /// <summary>Reads a share such as "50%", more than 0 and less than 100 %; null if it is none.</summary>
    public static double? TryShare(string text) => text.EndsWith('%')
        && double.TryParse(text.AsSpan()[..^1], NumberStyles.Float, CultureInfo.InvariantCulture, out double percent)
        && percent is > 0 and < 100
        ? percent / 100 : null;

    private static double Share(string whole, string share) => TryShare(share)
        ?? throw new AtelierException($"'{whole}' is not a share of weights", Mention.Field("prune"),
            $"write 50%, {CompressionOptions.TwoOfFour}, or {CompressionOptions.Channels}25%");
}

/// <summary>What is pruned.</summary>
internal enum PruningKind
{
    /// <summary>Weights.</summary>
    Weights,

    /// <summary>Two of every four neighbouring weights.</summary>
    TwoOfFour,

    /// <summary>Channels of feed-forward layers.</summary>
    Channels,
}
