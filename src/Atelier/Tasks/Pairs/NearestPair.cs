using System.Runtime.InteropServices;
using Atelier.Data.Pairs;
using Atelier.Evaluation.Text;

namespace Atelier.Tasks.Pairs;

/// <summary>
/// A baseline that answers with the target of the training pair whose source is most similar: by the cosine of their
/// words, weighted by rarity (Salton and Buckley 1988).
/// </summary>
internal sealed class NearestPair
{
    private readonly PairFile _pairs;
    private readonly Dictionary<string, List<int>> _postings = []; // word → pairs whose source has it
    private readonly float[] _norms; // of the weights of each source's words

    /// <summary>Indexes the sources of the training pairs.</summary>
    public NearestPair(PairFile pairs, CancellationToken cancellation)
    {
        (_pairs, _norms) = (pairs, new float[pairs.Count]);
        for (int i = 0; i < pairs.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (string word in Words(pairs[i].Source))
            {
                ref List<int>? list = ref CollectionsMarshal.GetValueRefOrAddDefault(_postings, word, out _);
                (list ??= []).Add(i);
            }
        }
        foreach (List<int> list in _postings.Values)
        {
            float weight = Weight(list);
            foreach (int i in list)
                _norms[i] += weight * weight;
        }
        for (int i = 0; i < _norms.Length; i++)
            _norms[i] = MathF.Sqrt(_norms[i]);
    }

    /// <summary>Returns the target of the nearest training pair; empty if no word is known.</summary>
    public string Target(string source)
    {
        var scores = new float[_norms.Length];
        foreach (string word in Words(source))
        {
            if (!_postings.TryGetValue(word, out List<int>? list))
                continue;
            float weight = Weight(list);
            foreach (int i in list)
                scores[i] += weight * weight / _norms[i];
        }
        int best = Array.IndexOf(scores, scores.Max());
        return scores[best] > 0 ? _pairs[best].Target : "";
    }

    private static IEnumerable<string> Words(string text) => BleuTokenizer.Words(text.ToLowerInvariant()).Distinct();

    private float Weight(List<int> list) => MathF.Log(1 + ((float)_norms.Length / list.Count));
}
