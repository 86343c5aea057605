namespace Atelier.Evaluation.Ratings;

/// <summary>Checks a study. The study may come from a stranger, so nothing in it is trusted.</summary>
internal static class StudyCheck
{
    private const int LongestName = 200;

    public static void Check(Study study)
    {
        CheckName(study.Id, "id");
        CheckName(study.Title, "title");
        if (!Enum.IsDefined(study.Kind))
            throw Fault("the kind of the study is unknown", "kind", "choose 'pairwise' or 'scale'");
        if (study.CheckEvery < 0)
            throw Fault("the interval of checks is negative", "checkEvery", "choose 0 or more");
        CheckItems(study);
        if (study.Kind == StudyKind.Pairwise)
            CheckPairs(study);
        else
            CheckRubrics(study);
    }

    private static void CheckItems(Study study)
    {
        var ids = new HashSet<string>();
        var prompts = new Dictionary<string, string>();
        if (study.Items is not { Count: > 0 })
            throw Fault("the study has no items", "items", "add the outputs of the models");
        foreach ((IReadOnlyList<StudyItem> items, string field) in (ReadOnlySpan<(IReadOnlyList<StudyItem>, string)>)
            [(study.Items, "items"), (study.CheckItems, "checkItems")])
        {
            foreach ((int number, StudyItem item) in items.Index())
            {
                string where = FormattableString.Invariant($"{field}[{number}]");
                CheckItem(item, where);
                if (!ids.Add(item.Id))
                    throw Fault($"two items have the id '{item.Id}'", where, "give each item its own id");
                if (!prompts.TryAdd(item.PromptId, item.Prompt) && prompts[item.PromptId] != item.Prompt)
                    throw Fault($"the prompt '{item.PromptId}' has two different texts", where,
                        "give each prompt its own id");
            }
        }
    }

    private static void CheckItem(StudyItem item, string where)
    {
        if (item is null)
            throw Fault("the item is null", where, "remove it");
        CheckName(item.Id, where + ".id");
        CheckName(item.PromptId, where + ".promptId");
        CheckName(item.Model, where + ".model");
        if (item.Prompt is null)
            throw Fault("the prompt is missing", where + ".prompt", "add its text, which may be empty");
        if ((item.Text is null) == (item.File is null))
            throw Fault("an item has either a text or a file", where, "give one of 'text' and 'file'");
        if (item.File is null)
            return;
        if (string.IsNullOrWhiteSpace(item.MediaType))
            throw Fault("the media type is missing", where + ".mediaType", "add it, for example 'image/png'");
        bool isInside = item.File.Length > 0 && !item.File.AsSpan().ContainsAny('\\', ':', '\0')
            && item.File.Split('/').All(part => part is not ("" or "." or ".."));
        if (!isInside)
            throw Fault($"'{item.File}' is not the name of a file inside the folder of the study", where + ".file",
                "use a relative name with '/' between folders");
    }

    private static void CheckPairs(Study study)
    {
        if (study.Rubrics.Count > 0)
            throw Fault("a pairwise study has no scales", "rubrics", "remove them, or choose the kind 'scale'");
        if (!study.Items.GroupBy(item => item.PromptId)
            .Any(prompt => prompt.Any(item => prompt.Any(item.IsComparableWith))))
            throw Fault("no prompt has different outputs of two models", "items", "add outputs for the same prompts");
        var rated = study.Items.ToDictionary(item => item.Id);
        var spoilt = study.CheckItems.ToDictionary(item => item.Id);
        var pairs = new HashSet<AttentionCheck>();
        foreach ((int number, AttentionCheck check) in study.Checks.Index())
        {
            string where = FormattableString.Invariant($"checks[{number}]");
            // the worse output is never a rated item, so that a check cannot be mistaken for a question
            if (check?.Worse is null || !spoilt.TryGetValue(check.Worse, out StudyItem? worse))
                throw Fault($"'{check?.Worse}' is not a check item", where + ".worse", "add it to 'checkItems'");
            if (check.Better is null
                || !(rated.TryGetValue(check.Better, out StudyItem? better)
                    || spoilt.TryGetValue(check.Better, out better)))
                throw Fault($"'{check.Better}' is not an item", where + ".better",
                    "add it to 'items' or 'checkItems'");
            if (better.Id == worse.Id || better.PromptId != worse.PromptId)
                throw Fault("the outputs of a check are two outputs for the same prompt", where, "choose others");
            if (!pairs.Add(check) || pairs.Contains(new(check.Worse, check.Better)))
                throw Fault("the check occurs twice", where, "remove it");
        }
    }

    private static void CheckRubrics(Study study)
    {
        if (study.Checks.Count > 0)
            throw Fault("attention checks are pairs", "checks", "remove them, or choose the kind 'pairwise'");
        if (study.Rubrics.Count == 0)
            throw Fault("the study has no scale", "rubrics", "add one, or choose the kind 'pairwise'");
        var names = new HashSet<string>();
        foreach ((int number, Rubric rubric) in study.Rubrics.Index())
        {
            string where = FormattableString.Invariant($"rubrics[{number}]");
            CheckName(rubric?.Name, where + ".name");
            if (!names.Add(rubric!.Name))
                throw Fault($"two scales have the name '{rubric.Name}'", where, "give each scale its own name");
            if (rubric.Lowest >= rubric.Highest)
                throw Fault("the highest value of the scale is not above the lowest", where, "choose another");
        }
    }

    private static void CheckName(string? name, string where)
    {
        if (string.IsNullOrWhiteSpace(name))
            throw Fault("the name is missing", where, "add it");
        if (name.Length > LongestName || name.Any(char.IsControl))
            throw Fault($"the name is longer than {LongestName} characters or contains a control character", where,
                "choose another");
    }

    private static AtelierException Fault(string message, string where, string hint) => new(message, where, hint);
}
