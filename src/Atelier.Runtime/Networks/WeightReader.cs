using Atelier.Formats;
using Atelier.Kernels;

namespace Atelier.Networks;

/// <summary>Takes the parts of a network from a model's tensors by name.</summary>
/// <param name="weights">The tensors, which own the memory of the matrices.</param>
internal sealed class WeightReader(ModelWeights weights)
{
    private const int LongestVector = 1 << 24;

    /// <summary>Returns a matrix, [outputs, inputs].</summary>
    public WeightMatrix Matrix(string name) => weights.Take(name).ToMatrix(weights);

    /// <summary>Returns a vector in single precision.</summary>
    public float[] Vector(string name)
    {
        ModelTensor tensor = weights.Take(name);
        return tensor.IsVector && tensor.ElementCount <= LongestVector
            ? tensor.Read(tensor.LayoutInUse)
            : throw new AtelierException(
                $"the tensor {name} is [{string.Join(", ", tensor.FileShape)}], but a vector is expected",
                weights.Path, "download or export the model again");
    }

    /// <summary>Returns all elements of a tensor of any shape.</summary>
    /// <param name="name">The name of the tensor.</param>
    /// <param name="count">Number of elements that it must have.</param>
    public float[] Values(string name, int count)
    {
        ModelTensor tensor = weights.Take(name);
        return tensor.ElementCount == count ? tensor.Read(tensor.Layout) : throw new AtelierException(
            $"the tensor {name} has {tensor.ElementCount} values, but the vocabulary has {count}", weights.Path,
            "download or export the model again");
    }

    /// <summary>Returns a norm with a bias.</summary>
    public NormWeights Norm(string name) => new(Vector(name + ".weight"), Vector(name + ".bias"));

    /// <summary>Returns a linear layer with a bias.</summary>
    public LinearWeights Linear(string name) => new(Matrix(name + ".weight"), Vector(name + ".bias"));
}
