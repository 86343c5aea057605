using System.ComponentModel.DataAnnotations;
using Atelier.Data.Video;
using Atelier.Tasks.Video;

namespace Atelier.Models.ConvLstm;

/// <summary>The configuration of a convolutional LSTM.</summary>
public sealed record ConvLstmConfig
{
    /// <summary>
    /// The side of a patch in pixels, which the network processes as one position. Must divide width and height.
    /// </summary>
    [Range(1, 16)]
    public int PatchSize { get; init; } = 4;

    /// <summary>The channels of the hidden state and of the cell.</summary>
    [Range(8, 4096)]
    public int HiddenSize { get; init; } = 64;

    /// <summary>The number of layers.</summary>
    [Range(1, 16)]
    public int LayerCount { get; init; } = 2;

    /// <summary>The side of the window of a convolution, in positions; odd.</summary>
    [Range(1, 11)]
    public int KernelSize { get; init; } = 5;

    /// <summary>
    /// Predicts the difference to the frame before instead of the frame itself, so that a new model repeats the last
    /// frame. Suits videos that change slowly.
    /// </summary>
    public bool Residual { get; init; }

    /// <summary>Throws if the values do not fit clips.</summary>
    /// <exception cref="AtelierException">They do not.</exception>
    internal void Check(VideoSchema schema)
    {
        VideoModel.CheckPatches(schema, PatchSize);
        if (KernelSize % 2 == 0)
            throw new AtelierException($"a window of {KernelSize} has no middle", "model.kernelSize", "use 3 or 5");
    }
}
