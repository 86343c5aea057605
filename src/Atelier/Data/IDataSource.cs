namespace Atelier.Data;

/// <summary>Prepared data: split into parts, and in the form that models of their modality train on.</summary>
public interface IDataSource : IDisposable
{
    /// <summary>The modality of the data.</summary>
    Modality Modality { get; }

    /// <summary>Choices made automatically during preparation, one sentence each, to show before training.</summary>
    IReadOnlyList<string> Notes { get; }
}
