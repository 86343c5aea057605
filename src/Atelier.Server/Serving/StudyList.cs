using Atelier.Evaluation.Ratings;

namespace Atelier.Server.Serving;

/// <summary>A study that raters answer, with the folder of its media.</summary>
internal sealed class OpenStudy : IDisposable
{
    private readonly string _folder;
    private readonly Dictionary<string, StudyItem> _items;

    /// <summary>Opens the store of a study.</summary>
    /// <param name="path">The path of the store; media lie beside it.</param>
    /// <exception cref="AtelierException">There is no store, or it is damaged.</exception>
    public OpenStudy(string path)
    {
        Store = RatingStore.Open(path);
        _folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Study study = Store.Study;
        _items = study.Items.Concat(study.CheckItems).ToDictionary(item => item.Id, StringComparer.Ordinal);
        if (study.Kind == StudyKind.Pairwise)
            Pairs = new PairChooser(study);
        else
            Items = new ItemChooser(study);
    }

    /// <summary>The study and its answers.</summary>
    public RatingStore Store { get; }

    /// <summary>Chooses pairs; null for scales.</summary>
    public PairChooser? Pairs { get; }

    /// <summary>Chooses outputs; null for pairs.</summary>
    public ItemChooser? Items { get; }

    /// <summary>Returns an output of the study by its id.</summary>
    public StudyItem Item(string id) => _items[id];

    /// <summary>Returns the path of a media file, whose name the study has checked to stay within the folder.</summary>
    public string PathOf(string file) => Path.Combine(_folder, file);

    /// <inheritdoc/>
    public void Dispose() => Store.Dispose();
}

/// <summary>The studies of a server.</summary>
internal sealed class StudyList : IDisposable
{
    /// <summary>Opens the studies that the options name.</summary>
    /// <exception cref="AtelierException">A study cannot be opened, or two have the same id.</exception>
    public StudyList(ServerOptions options)
    {
        var open = new List<OpenStudy>();
        try
        {
            foreach (string path in options.Studies)
            {
                open.Add(new OpenStudy(path));
                string id = open[^1].Store.Study.Id;
                if (open.Count(study => study.Store.Study.Id == id) > 1)
                    throw new AtelierException($"two studies have the id '{id}'", path, "serve one of them");
            }
        }
        catch
        {
            open.ForEach(study => study.Dispose());
            throw;
        }
        All = open;
    }

    /// <summary>All studies.</summary>
    public IReadOnlyList<OpenStudy> All { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (OpenStudy study in All)
            study.Dispose();
    }
}
