namespace Atelier.Evaluation.Ratings;

/// <summary>Two items without an order of sides.</summary>
/// <param name="First">The id that comes first in ordinal order.</param>
/// <param name="Second">The other id.</param>
internal readonly record struct ItemPair(string First, string Second)
{
    /// <summary>Returns the pair of two items in any order.</summary>
    public static ItemPair Of(string id, string other) =>
        string.CompareOrdinal(id, other) <= 0 ? new(id, other) : new(other, id);
}

/// <summary>The items, models and pairs of a study by their ids. This class is immutable.</summary>
internal sealed class StudyIndex
{
    private readonly Dictionary<string, StudyItem> _items;
    private readonly Dictionary<string, int> _models;
    private readonly Dictionary<ItemPair, AttentionCheck> _checks;
    private readonly HashSet<ItemPair> _pairs;

    /// <summary>Creates an index of a valid study.</summary>
    public StudyIndex(Study study)
    {
        Study = study;
        Models = study.Models;
        _items = study.Items.Concat(study.CheckItems).ToDictionary(item => item.Id);
        var numbers = Models.Index().ToDictionary(model => model.Item, model => model.Index);
        _models = study.Items.ToDictionary(item => item.Id, item => numbers[item.Model]);
        _checks = study.Checks.ToDictionary(check => ItemPair.Of(check.Better, check.Worse));
        (StudyItem One, StudyItem Other)[] pairs =
        [
            .. from prompt in study.Items.GroupBy(item => item.PromptId)
               from one in prompt
               from other in prompt
               where _models[one.Id] < _models[other.Id]
               select (one, other),
        ];
        Pairs = [.. pairs.Where(pair => !pair.One.IsTwinOf(pair.Other))
            .Select(pair => ItemPair.Of(pair.One.Id, pair.Other.Id))];
        Twins = pairs.Length - Pairs.Count;
        _pairs = [.. study.Kind == StudyKind.Pairwise ? Pairs : []];
    }

    /// <summary>The study.</summary>
    public Study Study { get; }

    /// <summary>The names of the models.</summary>
    public IReadOnlyList<string> Models { get; }

    /// <summary>All pairs of different outputs of different models for the same prompt.</summary>
    public IReadOnlyList<ItemPair> Pairs { get; }

    /// <summary>The number of pairs of identical outputs of different models for the same prompt.</summary>
    public int Twins { get; }

    /// <summary>Returns an item or check item; null if there is none with this id.</summary>
    public StudyItem? Find(string id) => _items.GetValueOrDefault(id);

    /// <summary>Returns the index of the model of an item.</summary>
    public int Model(string item) => _models[item];

    /// <summary>Returns whether the items are a pair that raters are asked about.</summary>
    public bool IsRated(ItemPair pair) => _pairs.Contains(pair);

    /// <summary>Returns the attention check of a pair; null if the pair is none.</summary>
    public AttentionCheck? Check(ItemPair pair) => _checks.GetValueOrDefault(pair);

    /// <summary>
    /// Returns the outcomes that count for the scores, which are those of all answers but those to attention checks.
    /// </summary>
    public IEnumerable<PairOutcome> Outcomes(IEnumerable<PairAnswer> answers) =>
        from answer in answers
        where answer.Check == CheckKind.None
        select new PairOutcome(Model(answer.Left), Model(answer.Right), answer.Choice switch
        {
            PairChoice.Left => 1,
            PairChoice.Right => 0,
            _ => 0.5,
        });
}
