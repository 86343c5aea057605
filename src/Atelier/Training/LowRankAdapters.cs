using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Layers;
using Atelier.Recipes;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Training;

/// <summary>The adapters of a model, which change its linear layers while its own weights stay as they are.</summary>
internal sealed class LowRankAdapters : IDisposable
{
    private readonly LoraAdapter _shape; // without matrices
    private readonly IReadOnlyList<(AdapterSite Site, LowRankAdapter Adapter)> _all;

    private LowRankAdapters(LoraAdapter shape, IReadOnlyList<(AdapterSite Site, LowRankAdapter Adapter)> all) =>
        (_shape, _all) = (shape with { Layers = [] }, all);

    /// <summary>The parameters with the names that checkpoints give them.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> NamedParameters => _all.SelectMany(entry =>
        entry.Adapter.Parameters.Zip((string[])["a", "b", "magnitude"], (parameter, name) =>
            ($"{entry.Site.Module}.lora.{entry.Adapter.Start}.{name}", parameter)));

    /// <summary>Creates new adapters for the targets of a recipe.</summary>
    /// <param name="sites">All places for adapters in the model.</param>
    /// <param name="section">The section of the recipe.</param>
    /// <param name="seed">The seed of the random numbers that the adapters begin with.</param>
    /// <exception cref="AtelierException">There are no places, or no place has the name of a target.</exception>
    public static LowRankAdapters Create(IReadOnlyList<AdapterSite> sites, LoraSection section, long seed)
    {
        if (sites.Count == 0)
            throw new AtelierException("this model has no attention or feed-forward layers to adapt", "training.lora",
                "leave training.lora out");
        if (section.Targets.FirstOrDefault(target => !sites.Any(site => site.IsMeant(target))) is { } unknown)
            throw new AtelierException($"this model has no layer '{unknown}' to adapt", "training.lora.targets",
                $"there are attention, feed-forward, {string.Join(", ", sites.Select(s => s.Ending(1)).Distinct())}");
        AdapterSite[] chosen = [.. sites.Where(site => section.Targets.Any(site.IsMeant))];
        string Target(AdapterSite site) =>
            site.Ending(sites.Any(other => other.Ending(1) == site.Ending(1) && !chosen.Contains(other)) ? 2 : 1);
        var shape = new LoraAdapter([])
        {
            Rank = section.Rank,
            Alpha = section.Alpha,
            Dropout = section.Dropout,
            IsTransposed = chosen.Any(site => site.IsTransposed),
            Targets = [.. chosen.Select(Target).Distinct()],
        };
        using var random = new Generator(SplitMix64.At((ulong)seed, 1), CPU); // not the numbers of the model's weights
        return new LowRankAdapters(shape, [.. chosen.Select(site => (site,
            LowRankAdapter.Create(site.Layer, site.Start, site.Count, shape, section.Dora, random)))]);
    }

    /// <summary>Creates adapters that were read from files.</summary>
    /// <param name="sites">All places for adapters in the model.</param>
    /// <param name="adapter">The adapter of the files.</param>
    /// <exception cref="AtelierException">The model lacks a layer of the adapter, or it has another shape.</exception>
    public static LowRankAdapters From(IReadOnlyList<AdapterSite> sites, LoraAdapter adapter)
    {
        AdapterSite[] places = [.. adapter.Layers.Select(layer => SiteOf(layer))];
        return new LowRankAdapters(adapter, [.. adapter.Layers.Zip(places, (layer, site) =>
            (site, LowRankAdapter.From(layer, site.Layer, site.Start, adapter)))]);

        AdapterSite SiteOf(LoraLayer layer)
        {
            AdapterSite site = sites.FirstOrDefault(site => site.Name == layer.Name)
                ?? throw layer.OfOtherModel(adapter.Source);
            return (layer.Outputs, layer.Inputs) == (site.Count, site.Layer.Weight.shape[1]) ? site
                : throw layer.OfOtherShape(adapter.Source, site.Count, site.Layer.Weight.shape[1]);
        }
    }

    /// <summary>Creates the same adapters for another copy of the network, which share the memory of these.</summary>
    public LowRankAdapters ShareWith(nn.Module copy)
    {
        IReadOnlyDictionary<string, (Linear Layer, bool)> layers = AdapterSite.LayersOf(copy);
        return new LowRankAdapters(_shape, [.. _all.Select(entry =>
        {
            Linear layer = layers[entry.Site.Module].Layer;
            return (entry.Site with { Layer = layer }, entry.Adapter.ShareWith(layer));
        })]);
    }

    /// <summary>Forgets the gradients.</summary>
    public void ClearGradients()
    {
        foreach ((_, Parameter parameter) in NamedParameters)
            parameter.grad = null;
    }

    /// <summary>Returns the adapter with its present matrices, for files.</summary>
    public LoraAdapter ToFile() =>
        _shape with { Layers = [.. _all.Select(entry => entry.Adapter.ToFile(entry.Site.Name))] };

    /// <summary>Writes the adapter in PEFT's files.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="baseModel">The bundle of the model without the adapter; null if unknown.</param>
    /// <param name="taskType">PEFT's name of the task; null if it has none.</param>
    public void Write(string folder, string? baseModel, string? taskType) =>
        PeftFiles.Write(folder, ToFile() with { BaseModel = baseModel, TaskType = taskType });

    /// <summary>
    /// Calls a function while the changes are part of the model's weights, and restores the weights afterwards.
    /// </summary>
    public void WhileMerged(Action action)
    {
        using var gradients = no_grad();
        Linear[] layers = [.. _all.Select(entry => entry.Site.Layer).Distinct()];
        Tensor[] kept = [.. layers.Select(layer => layer.Weight.detach().clone().DetachFromDisposeScope())];
        try
        {
            foreach ((AdapterSite site, LowRankAdapter adapter) in _all)
            {
                using var scope = NewDisposeScope();
                site.Layer.Weight.narrow(0, site.Start, site.Count).copy_(adapter.Merged());
            }
            foreach (Linear layer in layers)
                layer.Adapters.Clear();
            action();
        }
        finally
        {
            foreach ((Linear layer, Tensor weight) in layers.Zip(kept))
            {
                layer.Weight.copy_(weight);
                layer.Adapters.Clear();
                weight.Dispose();
            }
            foreach ((AdapterSite site, LowRankAdapter adapter) in _all)
                site.Layer.Adapters.Add(adapter);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, LowRankAdapter adapter) in _all)
            adapter.Dispose();
    }
}
