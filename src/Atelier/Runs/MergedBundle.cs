using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Runs;

/// <summary>A bundle with an adapter merged into its weights.</summary>
internal static class MergedBundle
{
    /// <summary>Writes the bundle; its weights keep their type, but quantised ones become F32.</summary>
    /// <param name="bundle">The bundle of the model without the adapter.</param>
    /// <param name="adapter">The adapter.</param>
    /// <param name="folder">The folder to write to.</param>
    /// <param name="cancellation">Cancels between tensors.</param>
    /// <exception cref="AtelierException">The model lacks a layer of the adapter, or it has another shape.</exception>
    public static void Write(Bundle bundle, LoraAdapter adapter, string folder, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>(BundleTensors.Read(bundle, cancellation));
        foreach (Tensor tensor in tensors.Values)
            scope.Attach(tensor);
        foreach (LoraLayer layer in adapter.Layers)
        {
            cancellation.ThrowIfCancellationRequested();
            string name = layer.Name + ".weight";
            if (!tensors.TryGetValue(name, out Tensor? weight))
                throw layer.OfOtherModel(adapter.Source);
            Tensor rows = (adapter.IsTransposed ? weight.t() : weight).to(ScalarType.Float32).contiguous().clone();
            if (rows.dim() != 2 || (rows.shape[0], rows.shape[1]) != (layer.Outputs, layer.Inputs))
                throw layer.OfOtherShape(adapter.Source, rows.shape[0], rows.shape[^1]);
            float[] values = rows.data<float>().ToArray();
            layer.Merge(0, values, adapter.Rank, adapter.Scale);
            Tensor merged = tensor(values, [layer.Outputs, layer.Inputs]).to(weight.dtype);
            tensors[name] = adapter.IsTransposed ? merged.t().contiguous() : merged;
        }
        BundleWriter.Replace(folder, partial =>
        {
            foreach (string file in Directory.EnumerateFiles(bundle.Folder))
            {
                if (BundleWriter.IsBundleFile(file) && !BundleWriter.IsWeights(file))
                    File.Copy(file, Path.Combine(partial, Path.GetFileName(file)));
            }
            TensorFiles.Write(Path.Combine(partial, SafetensorsFolder.FileName), tensors,
                new Dictionary<string, string> { ["format"] = "pt" });
        });
    }
}
