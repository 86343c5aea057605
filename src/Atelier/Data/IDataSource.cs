namespace Atelier.Data;

/// <summary>Prepared data, ready to be learned from: split, and in the form its modality's models take.</summary>
public interface IDataSource : IDisposable
{
    /// <summary>What it holds.</summary>
    Modality Modality { get; }

    /// <summary>Choices made during preparation, one sentence each, to show before training.</summary>
    IReadOnlyList<string> Notes { get; }
}
